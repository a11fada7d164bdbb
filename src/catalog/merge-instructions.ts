/**
 * The servers' instructions as one text, each under its server's name.
 *
 * @param alone the one server is all there is, and nothing of it is renamed: its text stays as it is.
 */
export function mergeInstructions(
  parts: readonly { readonly server: string; readonly instructions: string | undefined }[],
  alone: boolean,
): string | undefined {
  const texts = parts.filter((part) => part.instructions !== undefined && part.instructions.trim() !== '');
  if (texts.length === 0) return undefined;
  if (alone) return texts[0]?.instructions;
  return texts.map(({ server, instructions }) => `## ${server}\n\n${instructions}`).join('\n\n');
}
