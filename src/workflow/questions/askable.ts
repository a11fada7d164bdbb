/** The questions that a caller can take: the client has declared the capability, and waits for the run. */
import type { AskClient } from '../../core/call.ts';
import { isObject } from '../../json/json.ts';
import type { Caller } from '../calls.ts';

/** Asks by forms, which the user of the client fills in. */
export function formAsk({ ask, client }: Caller): AskClient | undefined {
  const elicitation = client.capabilities['elicitation'];
  // An empty object means forms: the other mode came later and has to be named.
  const forms =
    isObject(elicitation) && (Object.hasOwn(elicitation, 'form') || Object.keys(elicitation).length === 0);
  return forms ? ask : undefined;
}

/** Asks the client's model. */
export function modelAsk({ ask, client }: Caller): AskClient | undefined {
  return isObject(client.capabilities['sampling']) ? ask : undefined;
}
