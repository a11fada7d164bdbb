/** What a header field may consist of; anything else could be read as the end of it. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isField(name: string, value: string): boolean {
  return NAME.test(name) && VALUE.test(value);
}
