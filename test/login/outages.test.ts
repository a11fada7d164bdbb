/** An authorization server that is away, or has forgotten: nobody is logged out for what passes. */
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { failureOf, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { httpServer, json } from '../fixtures/http/servers.ts';
import type { Protected } from '../fixtures/login/authorization-server.mjs';
import { HandClock } from '../harness/clock.ts';
import { credentialsFor, loggedIn, protectedServer, storeIn } from './machine-user.ts';

vi.setConfig({ testTimeout: 40_000 });

const FILES = { tokenStorage: 'file' };

/** Somebody is logged in, and has called. */
async function inUse(server: Protected) {
  const folder = temporaryFolder('case');
  await loggedIn(server, join(folder, 'state'));
  const start = () =>
    startProxy(
      { far: { url: server.url, retry: { attempts: 1 } } },
      { folder, config: FILES, unready: true },
    );
  const proxy = await start();
  await proxy.greet();
  await until('its tools', async () => (await proxy.toolNames()).includes('whoami'));
  expect(textOf(await proxy.call('whoami'))).toBe('whoami: alice');
  return { folder, proxy, start };
}

test('a server whose metadata cannot be read for a while does not end a login', async () => {
  const server = await protectedServer();
  const { proxy } = await inUse(server);
  server.endAccessTokens();
  server.state.metadataDown = true;
  expect(failureOf(await proxy.call('whoami'))).toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE' });
  expect(server.state.tokenRequests).toBe(1);
  server.state.metadataDown = false;
  await until('the login', async () => textOf(await proxy.call('whoami')) === 'whoami: alice', 12_000);
  expect(server.state.grants).toEqual(['authorization_code', 'refresh_token']);
});

test('a server that names another authorization server gets no token sent there, and may come back', async () => {
  const server = await protectedServer();
  const other = await httpServer((seen, response) => {
    if (seen.path !== '/.well-known/oauth-authorization-server') response.writeHead(404).end();
    else
      json(
        response,
        JSON.stringify({
          issuer: other.origin,
          authorization_endpoint: `${other.origin}/authorize`,
          token_endpoint: `${other.origin}/token`,
          response_types_supported: ['code'],
          code_challenge_methods_supported: ['S256'],
        }),
      );
  });
  const { proxy, start } = await inUse(server);
  server.endAccessTokens();
  server.state.namedIssuer = other.origin;
  const answer = await proxy.call('whoami');
  expect(failureOf(answer)).toMatchObject({ code: 'LOGIN_REQUIRED' });
  expect(textOf(answer)).toContain('the login is from');
  expect(other.seen.map(({ path }) => path)).toEqual(['/.well-known/oauth-authorization-server']);
  await proxy.stop();
  server.state.namedIssuer = undefined;
  const next = await start();
  await next.greet();
  await until('its tools', async () => (await next.toolNames()).includes('whoami'));
  expect(textOf(await next.call('whoami'))).toBe('whoami: alice');
});

test('a login whose client was forgotten is made anew, with a new client', async () => {
  const server = await protectedServer();
  const { folder, proxy } = await inUse(server);
  await server.forgetClients();
  server.endAccessTokens();
  expect(failureOf(await proxy.call('whoami'))).toMatchObject({ code: 'LOGIN_REQUIRED' });
  await loggedIn(server, join(folder, 'state'));
  expect(server.state.registrations).toBe(2);
  await until('the login', async () => textOf(await proxy.call('whoami')) === 'whoami: alice');
});

describe('an authorization server that is busy', () => {
  test('is asked with growing pauses, and not before it wants to be (E10)', async () => {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, folder);
    server.state.tokenEndpointDown = true;
    const clock = new HandClock();
    const credentials = credentialsFor(server.url, storeIn(folder), { clock });
    await credentials.pending();
    const attempt = () =>
      credentials.refused({ status: 401, challenge: 'Bearer', sent: credentials.headers(), again: false });
    const pauses: number[] = [];
    for (let asked = server.state.tokenRequests; pauses.length < 8; asked = server.state.tokenRequests) {
      if (pauses.length === 7) server.state.retryAfter = '300';
      for (let seconds = 0; ; seconds++) {
        await expect(attempt()).rejects.toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE' });
        if (server.state.tokenRequests > asked) {
          pauses.push(seconds);
          break;
        }
        clock.jump(1000);
      }
    }
    expect(pauses).toEqual([0, 2, 4, 8, 16, 32, 60, 60]);
    server.state.tokenEndpointDown = false;
    clock.jump(299_000);
    await expect(attempt()).rejects.toMatchObject({ code: 'DOWNSTREAM_UNAVAILABLE' });
    clock.jump(1000);
    await attempt();
    expect(server.state.grants).toEqual(['authorization_code', 'refresh_token']);
  });
});

describe('an authorization server that gives odd tokens', () => {
  /** What comes of a renewal that is answered so. */
  async function renewedWith(answer: object) {
    const server = await protectedServer();
    const folder = temporaryFolder('case');
    await loggedIn(server, folder);
    server.state.tokenAnswer = JSON.stringify({ token_type: 'Bearer', access_token: 'good', ...answer });
    const credentials = credentialsFor(server.url, storeIn(folder));
    await credentials.pending();
    const sent = credentials.headers();
    const renewal = credentials.refused({ status: 401, challenge: 'Bearer', sent, again: false });
    return { server, credentials, renewal };
  }

  test.each([1e300, 1e18])('with %s seconds to live has them shown with a date', async (seconds) => {
    const { credentials, renewal } = await renewedWith({ expires_in: seconds });
    await renewal;
    expect(credentials.status.until).toMatch(/^20\d\d-/);
  });

  test.each([0, -5])('with %s seconds to live is not asked for another at every call', async (seconds) => {
    const { server, credentials, renewal } = await renewedWith({ expires_in: seconds });
    await renewal;
    const asked = server.state.tokenRequests;
    for (let call = 0; call < 5; call++) await credentials.pending();
    expect(server.state.tokenRequests).toBe(asked);
  });

  test('with a line break in them has none of it sent', async () => {
    const { credentials, renewal } = await renewedWith({ access_token: 'good\r\nx-evil: 1' });
    await expect(renewal).rejects.toMatchObject({ code: 'LOGIN_REQUIRED' });
    expect(JSON.stringify(credentials.headers())).not.toContain('evil');
  });
});
