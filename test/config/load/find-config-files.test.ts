import { describe, expect, test } from 'vitest';

import { ConfigError } from '../../../src/config/config-error.ts';
import { findConfigFiles } from '../../../src/config/load/find-config-files.ts';
import { type HostEnvironment, userConfigFolder, userStateFolder } from '../../../src/config/folders.ts';
import { loadConfig } from '../../../src/config/load/load-config.ts';
import { machine } from '../machine.ts';

describe('looking for the config', () => {
  test('takes what --config names before anything else', () => {
    const here = machine({ SWITCHYARD_CONFIG: '/elsewhere.json' });
    here.write('switchyard.json', '{}');
    expect(findConfigFiles(['a.json', '/b.yaml'], here)).toEqual([`${here.cwd}/a.json`, '/b.yaml']);
  });

  test('then $SWITCHYARD_CONFIG, then the working folder, then the user folder', () => {
    const here = machine();
    expect(findConfigFiles([], here)).toEqual([]);
    const user = here.write(`${here.homeDir}/.config/switchyard/switchyard.toml`, '');
    expect(findConfigFiles([], here)).toEqual([user]);
    const local = here.write('switchyard.yml', '');
    expect(findConfigFiles([], here)).toEqual([local]);
    expect(findConfigFiles([], { ...here, env: { SWITCHYARD_CONFIG: 'c.json' } })).toEqual([
      `${here.cwd}/c.json`,
    ]);
  });

  test('refuses to choose between two files of one folder', () => {
    const here = machine();
    here.write('switchyard.json', '{}');
    here.write('switchyard.yaml', '');
    expect(() => findConfigFiles([], here)).toThrow(ConfigError);
  });
});

describe('the user folders', () => {
  const linux: HostEnvironment = { env: {}, cwd: '/w', homeDir: '/home/ada', platform: 'linux' };
  const mac: HostEnvironment = { ...linux, homeDir: '/Users/ada', platform: 'darwin' };
  const windows: HostEnvironment = {
    env: { AppData: 'C:\\Users\\Ada\\AppData\\Roaming', LOCALAPPDATA: 'D:\\Local' },
    cwd: 'C:\\w',
    homeDir: 'C:\\Users\\Ada',
    platform: 'win32',
  };

  test.each([
    [linux, '/home/ada/.config/switchyard', '/home/ada/.local/state/switchyard'],
    [{ ...linux, env: { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' } }, '/c/switchyard', '/s/switchyard'],
    [
      { ...linux, env: { XDG_CONFIG_HOME: 'relative' } },
      '/home/ada/.config/switchyard',
      '/home/ada/.local/state/switchyard',
    ],
    [
      mac,
      '/Users/ada/Library/Application Support/switchyard',
      '/Users/ada/Library/Application Support/switchyard',
    ],
    [windows, 'C:\\Users\\Ada\\AppData\\Roaming\\switchyard', 'D:\\Local\\switchyard'],
    [
      { ...windows, env: {} },
      'C:\\Users\\Ada\\AppData\\Roaming\\switchyard',
      'C:\\Users\\Ada\\AppData\\Local\\switchyard',
    ],
  ])('%j', (where, config, state) => {
    expect(userConfigFolder(where)).toBe(config);
    expect(userStateFolder(where)).toBe(state);
  });

  test('the stateDir is the user state folder of the machine', async () => {
    expect((await loadConfig({ ...mac, files: [] })).stateDir).toBe(
      '/Users/ada/Library/Application Support/switchyard',
    );
  });
});
