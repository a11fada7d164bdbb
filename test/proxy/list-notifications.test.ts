/** F8: when a client is told that its lists have changed. */
import { expect, test } from 'vitest';
import type { ListKind } from '../../src/core/listing.ts';
import { ListNews } from '../../src/proxy/list-notifications.ts';
import { HandClock } from '../middleware/builders.ts';

function newsOf(): {
  readonly clock: HandClock;
  readonly news: ListNews;
  readonly told: (readonly ListKind[])[];
  comingUp: boolean;
} {
  const clock = new HandClock();
  const told: (readonly ListKind[])[] = [];
  const all = { clock, told, comingUp: true };
  const news = new ListNews({ tell: (kinds) => told.push(kinds), comingUp: () => all.comingUp, clock });
  return Object.assign(all, { news });
}

test('a client that has no list yet is told nothing', async () => {
  const { clock, news, told } = newsOf();
  news.changed(['tools']);
  await clock.pass(10_000);
  expect(told).toEqual([]);
});

test('while servers come up, nineteen changes in four seconds are at most three notices, and one at the end', async () => {
  const its = newsOf();
  const { clock, news, told } = its;
  news.listed('tools');
  for (let i = 0; i < 18; i++) {
    await clock.pass(220);
    news.changed(['tools']);
  }
  expect(told.length).toBeLessThanOrEqual(3);
  const before = told.length;
  its.comingUp = false;
  news.changed(['tools', 'prompts']);
  expect(told.slice(before)).toEqual([['tools', 'prompts']]);
  await clock.pass(10_000);
  expect(told).toHaveLength(before + 1);
});

test('what changes when all servers are up is told at once', () => {
  const its = newsOf();
  its.comingUp = false;
  its.news.listed('tools');
  its.news.changed(['tools']);
  its.news.changed(['resources']);
  expect(its.told).toEqual([['tools'], ['resources']]);
});

test('a list that the client has fetched in between is no news', async () => {
  const { clock, news, told } = newsOf();
  news.listed('tools');
  news.changed(['resources']);
  news.changed(['tools', 'prompts']);
  news.listed('tools');
  await clock.pass(2000);
  expect(told).toEqual([['resources'], ['prompts']]);
});

test('nothing is told to a client that has left', async () => {
  const { clock, news, told } = newsOf();
  news.listed('tools');
  news.changed(['tools']);
  news.changed(['tools']);
  news.close();
  news.changed(['prompts']);
  await clock.pass(2000);
  expect(told).toEqual([['tools']]);
});
