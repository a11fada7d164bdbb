/** What a library user may import. */
export { loadConfig, type LoadOptions } from './config/load/load-config.ts';
export { ConfigError, type ConfigProblem } from './config/config-error.ts';
export type { Config, ServerConfig } from './config/config.ts';
export type { Logger } from './core/logger.ts';
export { type Delivered, type ErrorCode, ProxyError } from './core/errors.ts';
export { createProxy } from './proxy/create-proxy.ts';
export type { Proxy, ProxyOptions } from './proxy/proxy.ts';
export { connectInProcess, type InProcessOptions, type InProcessTransport } from './proxy/in-process.ts';
