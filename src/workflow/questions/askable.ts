/** Whom a run may ask: only a client that has said that it can, and only while somebody waits for the run. */
import type { AskClient } from '../../core/call.ts';
import { isObject } from '../../json/json.ts';
import type { Caller } from '../calls.ts';

/** For forms, which the user of the client fills in. */
export function formAsk({ ask, client }: Caller): AskClient | undefined {
  const offered = client.capabilities['elicitation'];
  // An empty object means forms: the other mode came later and has to be named.
  const forms = isObject(offered) && (Object.hasOwn(offered, 'form') || Object.keys(offered).length === 0);
  return forms ? ask : undefined;
}

/** For the client's model. */
export function modelAsk({ ask, client }: Caller): AskClient | undefined {
  return isObject(client.capabilities['sampling']) ? ask : undefined;
}
