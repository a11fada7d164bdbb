import type { Option } from './command.ts';

/** What every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  config: {
    type: 'string',
    multiple: true,
    value: 'FILE',
    about:
      'the config; repeatable, later files win server by server (default: $SWITCHYARD_CONFIG, ./switchyard.json|yaml|toml, the user’s config folder)',
  },
  json: { type: 'boolean', about: 'one JSON document on stdout, nothing else' },
  'no-color': { type: 'boolean', about: 'no colours' },
  help: { type: 'boolean', short: 'h', about: 'print this' },
};
