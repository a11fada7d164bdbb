/** How the tools are listed: each as it is, each shortened, or a few that find and call the others. */
export type ListMode = 'all' | 'slim' | 'search';

export const LIST_MODES: readonly ListMode[] = ['all', 'slim', 'search'];

export function listModeNamed(name: string | undefined): ListMode | undefined {
  return LIST_MODES.find((mode) => mode === name);
}

/** What a client gets otherwise than the servers give it. */
export interface ClientExposure {
  readonly list: ListMode;
  /** Text of more tokens in one result is kept, and a part of it shown; `undefined`: never. */
  readonly maxTokens: number | undefined;
}
