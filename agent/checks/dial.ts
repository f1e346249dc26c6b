import { readFileSync } from 'node:fs';
import type { NetConnectOpts, Socket } from 'node:net';
import type { SecureContext } from 'node:tls';

import { within } from '../probes/within.ts';
import { optionOf, readNamed, tell, type Asking } from './asking.ts';

/** The time after which the next address is tried as well. */
const nextAddressMs = 300;
const maxAddresses = 8;
/** The authorities that programs of the machine trust: of Debian and Alpine, of Red Hat, of SUSE, of BSD. */
const authorities = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

export interface Target {
  /** `HOST:PORT`, or the path of a socket. */
  readonly target: string;
  /** The name that the certificate must have: a name, or an address. */
  readonly servername: string;
  readonly isTls: boolean;
  readonly protocol?: string;
}

/** Connects to a server, to whichever of its addresses answers first, with TLS where it is wanted. */
export async function dial(asking: Asking, { target, servername, isTls, protocol }: Target): Promise<Socket> {
  const targets = target.startsWith('/') ? [{ path: target }] : await addressesOf(asking, target);
  asking.step = 'connect';
  tell(asking, 'at', target);
  const beganMs = performance.now();
  const plain = await firstOf(asking, targets);
  tell(asking, 'connect', (performance.now() - beganMs) / 1000);
  if (!isTls) return plain;
  asking.step = 'tls';
  return await secured(asking, plain, servername, protocol);
}

async function addressesOf(asking: Asking, target: string): Promise<NetConnectOpts[]> {
  const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(target) ?? [];
  const addresses = await lookedUp(asking, host, Number(optionOf(asking, 'family')));
  return addresses.slice(0, maxAddresses).map((one) => ({ host: one, port: Number(port) }));
}

/**
 * Looks up a name as other programs of the machine do, its families in turns. Names that hang take the few threads that
 * Node has for this, so a name of /etc/hosts needs none, and one that has to wait is asked for over the network too.
 */
export async function lookedUp(asking: Asking, host: string, family: number): Promise<string[]> {
  const { promises } = await import('node:dns');
  asking.step = 'name';
  tell(asking, 'host', host);
  const found = addressesIn(firstFile(['/etc/hosts'])?.toString() ?? '', host, family);
  if (found.length > 0) return inTurns(found);
  const asked = promises.lookup(host, { all: true, family }).then((all) => all.map(({ address }) => address));
  const early = await within(asked, nextAddressMs);
  if (early !== null) return inTurns(early);
  const resolver = new promises.Resolver();
  asking.closers.push(() => resolver.cancel());
  const queries = [4, 6].flatMap((one) => {
    if (family !== 0 && family !== one) return [];
    return one === 4 ? resolver.resolve4(host) : resolver.resolve6(host);
  });
  const answered = Promise.any(queries).catch(() => asked);
  return inTurns(await Promise.race([asked, answered]));
}

/** Returns the addresses of a name in the text of /etc/hosts. */
export function addressesIn(hosts: string, name: string, family: number): string[] {
  return hosts.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').toLowerCase().trim().split(/\s+/);
    const isOther = family !== 0 && address.includes(':') !== (family === 6);
    return names.includes(name.toLowerCase()) && !isOther ? address : [];
  });
}

/** Returns addresses so that one of each version comes first. */
function inTurns(addresses: readonly string[]): string[] {
  const isOther = (address: string): boolean => address.includes(':') !== addresses[0]?.includes(':');
  const others = addresses.filter(isOther);
  const first = addresses.filter((address) => !isOther(address));
  return [...first.flatMap((address, at) => [address, ...others.slice(at, at + 1)]), ...others.slice(first.length)];
}

/** Connects to the addresses, each a moment after the other, and keeps the first connection. */
async function firstOf(asking: Asking, targets: readonly NetConnectOpts[]): Promise<Socket> {
  const { connect } = await import('node:net');
  return new Promise((resolve, reject) => {
    const left = [...targets];
    const sockets = new Set<Socket>();
    const timer = setInterval(() => next(), nextAddressMs);
    const end = (): void => {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    };
    asking.closers.push(end);
    const next = (): void => {
      const target = left.shift();
      if (target === undefined) return;
      const socket = connect(target);
      sockets.add(socket);
      socket.on('connect', () => {
        sockets.delete(socket);
        end();
        asking.closers.push(() => socket.destroy());
        tell(asking, 'address', addressText(socket.remoteAddress, socket.remotePort));
        resolve(socket);
      });
      // A later fault of this connection has its own listeners.
      socket.on('error', (error: Error & { readonly address?: string; readonly port?: number }) => {
        if (!sockets.delete(socket)) return;
        tell(asking, 'address', addressText(error.address, error.port));
        if (left.length > 0) next();
        else if (sockets.size === 0) {
          end();
          reject(error);
        }
      });
    };
    next();
  });
}

function addressText(address = '', port: number | undefined): string {
  return port === undefined ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

let trusted: SecureContext | undefined;

async function secured(asking: Asking, plain: Socket, servername: string, protocol?: string): Promise<Socket> {
  const { connect, createSecureContext } = await import('node:tls');
  const name = servername.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const own = optionOf(asking, 'ca');
  // Node's own list of authorities is not that of the machine.
  if (own === '') trusted ??= createSecureContext({ ca: firstFile(authorities) });
  const secureContext = own === '' ? trusted : createSecureContext({ ca: readNamed(asking, own) });
  const beganMs = performance.now();
  tell(asking, 'host', name);
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: plain,
      host: name,
      ...(/[a-z]/i.test(name) && !name.includes(':') ? { servername: name } : {}),
      ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
      rejectUnauthorized: optionOf(asking, 'verify') !== 'no',
      secureContext,
    });
    asking.closers.push(() => socket.destroy());
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      tell(asking, 'tls', (performance.now() - beganMs) / 1000);
      tell(asking, 'end', socket.getPeerX509Certificate()?.validTo ?? '');
      resolve(socket);
    });
  });
}

/** Returns the content of the first file that can be read; undefined without one. */
function firstFile(files: readonly string[]): Buffer | undefined {
  for (const file of files) {
    try {
      return readFileSync(file);
    } catch {
      // Another system has another file.
    }
  }
  return undefined;
}
