/** The capabilities that a client declared, and those that a question needs. */
import { at, isObject, type Json, type JsonObject, sortedText } from '../json/json.ts';

/** The capability that a question needs, as the protocol declares it; `undefined` for questions that need none. */
export function capabilityFor(method: string, params: unknown): JsonObject | undefined {
  switch (method) {
    case 'roots/list':
      return { roots: {} };
    case 'sampling/createMessage': {
      const withTools = at(params, 'tools') !== undefined || at(params, 'toolChoice') !== undefined;
      return { sampling: withTools ? { tools: {} } : {} };
    }
    case 'elicitation/create':
      return { elicitation: at(params, 'mode') === 'url' ? { url: {} } : { form: {} } };
    case 'tasks/get':
    case 'tasks/result':
    case 'tasks/list':
    case 'tasks/cancel':
      return { tasks: {} };
    default:
      return undefined;
  }
}

/** `offered` has everything that `needed` names. */
export function covers(offered: JsonObject, needed: JsonObject): boolean {
  return Object.entries(needed).every(([key, part]) => {
    const found = at(offered, key);
    // An empty `elicitation` object means forms: the URL mode came later and has to be named.
    if (key === 'form' && isObject(offered) && Object.keys(offered).length === 0) return true;
    if (found === undefined) return false;
    return !isObject(part) || covers(isObject(found) ? found : {}, part);
  });
}

/** The same text for capabilities that say the same: an empty `elicitation` means forms, other empty tables nothing. */
export function capabilitiesKey({ elicitation, experimental, extensions, ...rest }: JsonObject): string {
  const said = (value: unknown): boolean => isObject(value) && Object.keys(value).length > 0;
  return sortedText({
    ...rest,
    ...(elicitation !== undefined && { elicitation: said(elicitation) ? elicitation : { form: {} } }),
    ...(said(experimental) && { experimental }),
    ...(said(extensions) && { extensions }),
  });
}

/** A client's word about itself is kept for as long as the client is known. */
const MAX_TOLD_CHARACTERS = 128 * 1024;

/** The params hold more than any honest client has to tell of itself. */
export function tellsTooMuch(params: Json, capabilities: unknown, info: unknown): boolean {
  if (params.length <= MAX_TOLD_CHARACTERS) return false;
  return JSON.stringify([capabilities, info]).length > MAX_TOLD_CHARACTERS;
}

export const TOLD_TOO_MUCH = `The client's capabilities and its info are longer than ${MAX_TOLD_CHARACTERS} characters`;
