/**
 * How many tokens a text is for a model, near enough for budgets: within 3 % of OpenAI's o200k over a catalogue, single
 * texts within 15 %. Other vendors count differently, and none of them can be asked without sending the text away.
 */
import { estimateTokenCount } from 'tokenx';
import { at, type JsonObject } from '../core/json.ts';

export function estimateTokens(text: string): number {
  return estimateTokenCount(text);
}

/** What a client puts before its model for a tool: name, description and input schema. */
export function definitionTokens(tool: JsonObject): number {
  return estimateTokens(definitionText(tool));
}

export function definitionText(tool: JsonObject): string {
  const { name, description } = tool;
  return JSON.stringify({ name, description, parameters: at(tool, 'inputSchema') });
}
