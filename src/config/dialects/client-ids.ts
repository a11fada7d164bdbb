/** The clients whose files can be read, as commands and the key `imports` name them. */
export const CLIENT_IDS = [
  'claude-desktop',
  'claude-code',
  'cursor',
  'vscode',
  'windsurf',
  'zed',
  'cline',
  'continue',
  'codex',
  'gemini',
  'junie',
  'opencode',
  'lmstudio',
  'goose',
  'copilot',
] as const;

export type DialectId = (typeof CLIENT_IDS)[number];
