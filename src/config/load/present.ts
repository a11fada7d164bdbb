/** Without the keys that are set to undefined. */
export function present<Options extends object>(
  options: Options,
): { [Key in keyof Options]?: Exclude<Options[Key], undefined> } {
  const kept = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [Key in keyof Options]?: Exclude<Options[Key], undefined> };
}
