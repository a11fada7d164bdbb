/** F8: when a client is told that its lists have changed. */
import { expect, test } from 'vitest';
import type { ListKind } from '../../src/core/listing.ts';
import { ListNotifications } from '../../src/proxy/clients/list-notifications.ts';
import { HandClock } from '../harness/clock.ts';

function newsOf(): {
  readonly clock: HandClock;
  readonly listNotifications: ListNotifications;
  readonly told: (readonly ListKind[])[];
  comingUp: boolean;
} {
  const clock = new HandClock();
  const told: (readonly ListKind[])[] = [];
  const all = { clock, told, comingUp: true };
  const listNotifications = new ListNotifications({
    tell: (kinds) => told.push(kinds),
    comingUp: () => all.comingUp,
    clock,
  });
  return Object.assign(all, { listNotifications });
}

test('a client that has no list yet is told nothing', async () => {
  const { clock, listNotifications, told } = newsOf();
  listNotifications.changed(['tools']);
  await clock.pass(10_000);
  expect(told).toEqual([]);
});

test('while servers come up, nineteen changes in four seconds are at most three notices, and one at the end', async () => {
  const its = newsOf();
  const { clock, listNotifications, told } = its;
  listNotifications.listed('tools');
  for (let i = 0; i < 18; i++) {
    await clock.pass(220);
    listNotifications.changed(['tools']);
  }
  expect(told.length).toBeLessThanOrEqual(3);
  const before = told.length;
  its.comingUp = false;
  listNotifications.changed(['tools', 'prompts']);
  expect(told.slice(before)).toEqual([['tools', 'prompts']]);
  await clock.pass(10_000);
  expect(told).toHaveLength(before + 1);
});

test('what changes when all servers are up is told at once', () => {
  const its = newsOf();
  its.comingUp = false;
  its.listNotifications.listed('tools');
  its.listNotifications.changed(['tools']);
  its.listNotifications.changed(['resources']);
  expect(its.told).toEqual([['tools'], ['resources']]);
});

test('a list that the client has fetched in between is no news', async () => {
  const { clock, listNotifications, told } = newsOf();
  listNotifications.listed('tools');
  listNotifications.changed(['resources']);
  listNotifications.changed(['tools', 'prompts']);
  listNotifications.listed('tools');
  await clock.pass(2000);
  expect(told).toEqual([['resources'], ['prompts']]);
});

test('nothing is told to a client that has left', async () => {
  const { clock, listNotifications, told } = newsOf();
  listNotifications.listed('tools');
  listNotifications.changed(['tools']);
  listNotifications.changed(['tools']);
  listNotifications.close();
  listNotifications.changed(['prompts']);
  await clock.pass(2000);
  expect(told).toEqual([['tools']]);
});
