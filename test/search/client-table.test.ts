import { describe, expect, test } from 'vitest';
import { CLIENTS, clientTraits } from '../../src/search/client-table.ts';

describe('the table of clients', () => {
  test.each([
    ['claude-code', true, false],
    ['Claude-AI', true, false],
    ['codex-mcp-client', true, false],
    ['qwen-cli-mcp-client-switchyard', true, false],
    ['gemini-cli-mcp-client', false, false],
    ['copilot-cli', false, false],
    ['opencode', false, false],
    ['mcp', false, true],
    ['fastmcp', false, true],
    ['ai-sdk-mcp-client', false, true],
    ['@langchain/mcp-adapters', false, true],
    ['mcp-use', false, true],
  ])('knows %s', (name, defers, isLibrary) => {
    expect(clientTraits(name)).toEqual({ defers, isLibrary });
  });

  test('says nothing of a client that it does not know, or that gives no name', () => {
    expect(clientTraits('mcp-something')).toEqual({ defers: false, isLibrary: false });
    expect(clientTraits('')).toEqual({ defers: false, isLibrary: false });
    expect(clientTraits(undefined)).toEqual({ defers: false, isLibrary: false });
  });

  test('gives way to the operator, in the part that he speaks of', () => {
    const own = [
      ['mine*', { defers: true }],
      ['MCP', { isLibrary: false }],
    ] as const;
    expect(clientTraits('Mine 2', own)).toEqual({ defers: true, isLibrary: false });
    expect(clientTraits('mcp', own)).toEqual({ defers: false, isLibrary: false });
  });

  test('has the day of the last look for each', () => {
    expect(CLIENTS.filter(({ seen }) => Number.isNaN(Date.parse(seen)))).toEqual([]);
  });
});
