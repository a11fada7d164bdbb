const SEQUENCES = /(?:%[0-9a-f]{2})+/gi;

/** Decodes what stands in a URL, and never throws: a stray `%`, or bytes that are no UTF-8, stay as they are. */
export function percentDecoded(text: string): string {
  return text.replace(SEQUENCES, (sequence) => {
    try {
      return decodeURIComponent(sequence);
    } catch {
      return sequence;
    }
  });
}
