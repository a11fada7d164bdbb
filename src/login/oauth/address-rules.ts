/**
 * Which network addresses a server may send us to on the way to a login.
 *
 * A server names its authorization server itself, so a hostile one could have us call whatever this machine can
 * reach: its own services, the local network, a cloud's metadata address. Only public addresses are free.
 */
import { type LookupAddress, type LookupOptions } from 'node:dns';
import ipaddr from 'ipaddr.js';

export interface AllowedAddresses {
  /** This machine's own. */
  readonly loopback: boolean;
  /** All that are not public, this machine's included. */
  readonly private: boolean;
}

export type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** A TypeError, which the SDK's discovery does not take for "there is no such document". */
export class Blocked extends TypeError {
  override readonly name = 'Blocked';
}

export function isAllowedAddress(address: string, allowed: AllowedAddresses): boolean {
  if (!ipaddr.isValid(address)) return false;
  // IPv4 in an IPv6 coat is judged as what it is.
  const parsed = ipaddr.process(address);
  const embedded = parsed instanceof ipaddr.IPv6 ? embeddedIPv4(parsed) : undefined;
  if (embedded !== undefined) return isAllowedAddress(embedded, allowed);
  const range = parsed.range();
  if (range === 'unicast') return true;
  return range === 'loopback' ? allowed.loopback || allowed.private : allowed.private;
}

/** The IPv4 address that a NAT64 or 6to4 address leads to. */
function embeddedIPv4(address: ipaddr.IPv6): string | undefined {
  const bytes = address.toByteArray();
  const range = address.range();
  if (range === 'rfc6052') return bytes.slice(12, 16).join('.');
  return range === '6to4' ? bytes.slice(2, 6).join('.') : undefined;
}

/** The host of a URL, where it is an address: decimal and octal forms have become the usual one in it. */
export function addressIn(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(host) ? host : undefined;
}

export function isLoopbackHost(url: URL): boolean {
  const host = url.hostname;
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const address = addressIn(url);
  return address !== undefined && ipaddr.process(address).range() === 'loopback';
}

/** Answers only if every address of the name is allowed: what is connected to is what was looked at. */
export function checkedLookup(lookup: Lookup, allowed: AllowedAddresses) {
  return (
    hostname: string,
    options: LookupOptions,
    callback: (error: Error | null, found: string | LookupAddress[], family?: number) => void,
  ): void => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const [first] = addresses;
      if (!first || !addresses.every(({ address }) => isAllowedAddress(address, allowed)))
        return callback(blockedHost(hostname), []);
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

export function blockedHost(hostname: string): Blocked {
  return new Blocked(
    `${hostname} is not a public address: a login there is refused unless "auth": { "allowPrivateAddresses": true } is set for this server`,
  );
}
