/** The revisions of the protocol that we speak, and the names the modern family puts into `_meta`. */
import type { Era } from '../core/call.ts';

/** Newest first. */
export const LEGACY_REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export const MODERN_REVISIONS = ['2026-07-28'] as const;

export const LATEST_LEGACY: string = LEGACY_REVISIONS[0];
export const LATEST_MODERN: string = MODERN_REVISIONS[0];

const ERAS: ReadonlyMap<string, Era> = new Map([
  ...MODERN_REVISIONS.map((revision) => [revision, 'modern'] as const),
  ...LEGACY_REVISIONS.map((revision) => [revision, 'legacy'] as const),
]);

export function eraOf(revision: string): Era | undefined {
  return ERAS.get(revision);
}

/** A first draft that some servers still choose; it differs in nothing that matters here. */
export const DRAFT = '2024-10-07';

/** As `eraOf`, for what a server chose: the draft is taken from servers and offered to nobody. */
export function eraOfServer(revision: string): Era | undefined {
  return revision === DRAFT ? 'legacy' : eraOf(revision);
}

const PREFIX = 'io.modelcontextprotocol/';
export const META_PROTOCOL_VERSION: string = `${PREFIX}protocolVersion`;
export const META_CLIENT_CAPABILITIES: string = `${PREFIX}clientCapabilities`;
export const META_CLIENT_INFO: string = `${PREFIX}clientInfo`;
export const META_LOG_LEVEL: string = `${PREFIX}logLevel`;
export const META_SERVER_INFO: string = `${PREFIX}serverInfo`;
export const META_SUBSCRIPTION_ID: string = `${PREFIX}subscriptionId`;
export const META_RELATED_TASK: string = `${PREFIX}related-task`;
export const TASKS_EXTENSION: string = `${PREFIX}tasks`;

/** Severity, least severe first (RFC 5424 names). */
export const LOG_LEVELS: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];
