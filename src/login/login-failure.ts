/** Why a login did not come about: the end of a sentence that begins with the server's name. */
export class LoginFailure extends Error {
  override readonly name = 'LoginFailure';
}

/**
 * A login failed for good: trying again the same way changes nothing. Bodies and descriptions that came from outside
 * are cut short and freed of control characters.
 */
export function shortText(text: string): string {
  const clean = text.replaceAll(/[^\x20-\x7e\xa0-\uffff]+/g, ' ').trim();
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}
