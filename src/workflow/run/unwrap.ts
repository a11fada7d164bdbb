import { parseExact, printExact } from '../../json/exact-json.ts';
import { isObject } from '../../json/json.ts';

/** A step's `output`: `structuredContent`, else a single text that parses as JSON, else the text. */
export function unwrap(result: unknown): unknown {
  if (!isObject(result)) return result;
  if (result['structuredContent'] !== undefined) return result['structuredContent'];
  const content = result['content'];
  if (!Array.isArray(content)) return null;
  const [only] = content as unknown[];
  if (content.length === 1 && isObject(only) && only['type'] === 'text') return parsed(String(only['text']));
  const texts = content.filter((block) => isObject(block) && block['type'] === 'text');
  return texts.length === 0
    ? null
    : texts.map((block) => String((block as { text?: unknown }).text)).join('\n');
}

/** The text of an error result, cut to a readable length. */
export function resultErrorText(result: unknown): string {
  const output = unwrap(result);
  const text = typeof output === 'string' ? output : (printExact(output) ?? 'null');
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}

function parsed(text: string): unknown {
  // Only what begins like JSON is tried: parsing a long text in vain costs an exception.
  if (!/^\s*[[{"\-\dtfn]/.test(text)) return text;
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}
