/** Sorts the fit from the unfit in what one server listed: one malformed item costs that item alone. */
import { at, type JsonObject } from '../../json/json.ts';
import { editObject, memberText } from '../../json/edit.ts';
import type { ListKind, SchemaVerdict } from '../../core/listing.ts';
import type { CatalogEntry, ToolRules } from '../catalog-entry.ts';
import { matchesGlob } from '../names/glob.ts';
import { hiddenCharacterIn, printableName } from './hidden-characters.ts';
import type { ProblemList } from './problem-list.ts';
import { type Repaired, repairedPrompt, repairedResource, repairedTool } from './repair-item.ts';
import { schemaHash } from '../schemas/schema-hash.ts';
import {
  isLegacy,
  nameFault,
  outputFault,
  promptFault,
  resourceFault,
  toolFault,
  uriFault,
} from './vet-item.ts';

/** A listed item that is fit to be passed on. */
export interface VettedItem {
  readonly entry: CatalogEntry;
  /** The server's own name for it; for resources its URI, for templates the template. No two in one list agree. */
  readonly originalName: string;
  readonly text: string;
  readonly value: JsonObject;
}

export type VettedListing = Readonly<Record<ListKind, readonly VettedItem[]>>;

export function vetListing(entry: CatalogEntry, problems: ProblemList): VettedListing {
  const { listing, maxTools } = entry;
  for (const what of entry.listing.problems) problems.add(entry.server, '', what);
  const tools = vetItems(entry, problems, {
    kind: 'tools',
    key: 'name',
    keyFault: nameFault,
    isChosen: (name) => isChosen(name, entry.tools),
    repaired: (tool, text) => repairedTool(tool, text, isLegacy(listing.protocolVersion)),
    fault: (tool, text) => toolFault(tool, text, listing.protocolVersion),
  }).map((tool) => withFitOutput(tool, problems));
  if (tools.length > maxTools)
    problems.add(entry.server, '', `lists ${tools.length} tools; all but the first ${maxTools} are left out`);
  return {
    tools: tools.slice(0, maxTools),
    prompts: vetItems(entry, problems, {
      kind: 'prompts',
      key: 'name',
      keyFault: nameFault,
      repaired: repairedPrompt,
      fault: promptFault,
    }),
    resources: vetItems(entry, problems, {
      kind: 'resources',
      key: 'uri',
      keyFault: uriFault,
      repaired: (item, text) => repairedResource(item, text, 'uri'),
      fault: resourceFault,
    }),
    resourceTemplates: vetItems(entry, problems, {
      kind: 'resourceTemplates',
      key: 'uriTemplate',
      keyFault: uriFault,
      repaired: (item, text) => repairedResource(item, text, 'uriTemplate'),
      fault: resourceFault,
    }),
  };
}

interface Vetting {
  readonly kind: ListKind;
  /** The member that names an item. */
  readonly key: string;
  readonly keyFault: (name: unknown) => string | undefined;
  /** An item that the operator did not choose is left out without a word. */
  readonly isChosen?: (name: string) => boolean;
  readonly repaired: (item: JsonObject, text: string) => Repaired;
  readonly fault: (item: JsonObject, text: string) => string | undefined;
}

/** The tool without an `outputSchema` that clients would stumble over; what it answers passes all the same. */
function withFitOutput(tool: VettedItem, problems: ProblemList): VettedItem {
  const { entry, originalName, text, value } = tool;
  const { protocolVersion, schemaVerdicts } = entry.listing;
  const fault = outputFault(value, protocolVersion) ?? compileFault(text, schemaVerdicts);
  if (fault === undefined) return tool;
  // Of one that is not judged yet there is nothing to say.
  if (fault !== '') problems.add(entry.server, originalName, `${fault}; offered without it`);
  return withoutOutput(tool);
}

export function withoutOutput(tool: VettedItem): VettedItem {
  const { outputSchema: _, ...value } = tool.value;
  return { ...tool, text: editObject(tool.text, { outputSchema: undefined }), value };
}

/** @returns `undefined` where clients can use it; empty where that is not known yet. */
function compileFault(text: string, verdicts: readonly SchemaVerdict[] = []): string | undefined {
  const unfit = verdicts.filter(({ fault }) => fault !== '');
  const schema = unfit.length > 0 ? memberText(text, 'outputSchema') : undefined;
  const hash = schema === undefined ? undefined : schemaHash(schema);
  const verdict = unfit.find((one) => one.hash === hash);
  if (!verdict) return undefined;
  return verdict.fault === undefined
    ? ''
    : `has an outputSchema that clients cannot use: ${printableName(verdict.fault)}`;
}

function vetItems(entry: CatalogEntry, problems: ProblemList, vetting: Vetting): readonly VettedItem[] {
  const vetted = new Map<string, VettedItem>();
  for (const [index, item] of entry.listing[vetting.kind].entries()) {
    const value = item.object;
    const name = at(value, vetting.key);
    const label = typeof name === 'string' && name !== '' ? name : `${vetting.kind}[${index}]`;
    if (!value) {
      problems.add(entry.server, label, 'left out: is not an object');
      continue;
    }
    if (typeof name === 'string' && vetting.isChosen?.(name) === false) continue;
    const repaired = vetting.repaired(value, item.text);
    const fault = vetting.keyFault(name) ?? vetting.fault(repaired.value, repaired.text);
    if (fault !== undefined || typeof name !== 'string') {
      problems.add(entry.server, label, `left out: ${fault}`);
      continue;
    }
    if (vetted.has(name)) {
      problems.add(entry.server, label, 'left out: is listed before under the same name');
      continue;
    }
    const hidden = hiddenCharacterIn(item.text, value);
    if (hidden) problems.add(entry.server, label, `contains hidden characters (${hidden})`);
    vetted.set(name, { entry, originalName: name, ...repaired });
  }
  return [...vetted.values()];
}

function isChosen(name: string, { include, exclude }: ToolRules): boolean {
  const matches = (glob: string): boolean => matchesGlob(name, glob);
  return include.some(matches) && !exclude.some(matches);
}
