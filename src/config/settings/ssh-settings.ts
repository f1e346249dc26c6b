import { existsSync } from 'node:fs';
import path from 'node:path';

import { accountName, loginHome } from '../../platform/account.ts';
import { remembered } from '../../platform/remembered.ts';
import type { SshSettings } from '../config.ts';
import { localPath } from '../xml/local-path.ts';
import type { Element } from '../xml/parse-elements.ts';
import { noteFile, readSecret, type ReadContext } from './read-secret.ts';
import { sshAttributes } from '../vocabulary/vocabulary-ssh.ts';
import { postQuantumKex } from '../values/key-exchanges.ts';

/** The SSH settings of elements, merged from the outermost inwards; null: ended by `none`. */
export type SshLayer = Partial<Omit<SshSettings, 'via'>> & {
  readonly port?: number;
  /** The attribute `transport`, which says too how the reports of a client arrive. */
  readonly transport?: SshSettings['via'] | 'local' | 'push' | 'http' | 'forward';
};

const names: ReadonlySet<string> = new Set(Object.keys(sshAttributes));

/**
 * Returns a reader that merges an element's settings into those around the element. Shares equal results between
 * elements.
 */
export function createSshReader(context: ReadContext): (element: Element, outer: SshLayer) => SshLayer {
  const mergedInto = remembered<SshLayer, Map<string, SshLayer>>(() => new Map());
  let hasWarned = false;
  return (element, outer) => {
    let key = '';
    for (const name of Object.keys(element.attributes)) {
      if (names.has(name)) key += `${name}\0${element.attributes[name] ?? ''}\0`;
    }
    if (key === '') return outer;
    key += element.source.path;
    // The key of a machine omits its line, so that fifty thousand equal machines share one layer. The lines of a
    // machine's own settings are found in its own element.
    const place = ownPlaces.has(element.name) ? '' : `${element.source.shown}:${element.line}`;
    key += `\0${place}`;
    const known = mergedInto(outer);
    // The first reading has noted the places of the secrets for this file: the file is part of the key.
    const shared = known.get(key);
    if (shared !== undefined) return shared;
    if (element.attributes['runtime'] === 'bring' && !hasWarned) {
      hasWarned = true;
      context.findings.warn(element, unusedRuntime);
    }
    const own = readLayer(element, context);
    const explicit = { ...outer.explicit };
    for (const name of Object.keys(own)) explicit[explicitName(element, name)] = place;
    const layer = { ...outer, ...own, explicit: Object.freeze(explicit) };
    if (!element.faulty) known.set(key, layer);
    return layer;
  };
}

const unusedRuntime =
  'runtime="bring" has no effect any more: clients without Node.js are read without it, unless unsealed="refuse"; ' +
  'remove runtime here and in all other elements';

/**
 * Returns the name under which an explicit setting is recorded. An ssh_config replaces the login name of `<ssh>`, but
 * not that of a group or machine.
 */
function explicitName(element: Element, name: string): string {
  return element.name === 'ssh' && name === 'username' ? 'usernameOfSsh' : name;
}

const ownPlaces: ReadonlySet<string> = new Set(['client', 'bastion']);
const nothingExplicit: SshSettings['explicit'] = Object.freeze({});

function readLayer(element: Element, context: ReadContext): SshLayer {
  const { attributes } = element;
  const layer: Record<string, unknown> = {};
  // The vocabulary has checked the words, so written values have their types.
  for (const name of asWritten) if (attributes[name] !== undefined) layer[name] = attributes[name];
  if (attributes['keyExchange'] !== undefined) layer['kex'] = postQuantumKex;
  for (const name of endable)
    if (attributes[name] !== undefined) layer[name] = attributes[name] === 'none' ? null : attributes[name];
  for (const name of paths) {
    const text = attributes[name];
    if (text !== undefined) layer[name] = text === 'none' ? null : localPath(text, element.source);
  }
  if (attributes['agent'] === 'env') layer['agent'] = 'env';
  if (attributes['port'] !== undefined) layer['port'] = Number(attributes['port']);
  for (const what of ['password', 'passphrase'] as const) {
    const secret = readSecret(element, what, context);
    if (secret !== undefined) layer[what] = secret;
  }
  if (typeof layer['privateKey'] === 'string') noteFile(layer['privateKey'], element, context.places);
  return layer;
}

const asWritten = ['hostKeys', 'kex', 'transport', 'unsealed'] as const;
const endable = ['username', 'proxyJump', 'node'] as const;
const paths = ['privateKey', 'agent', 'knownHosts', 'config'] as const;

export interface SshDefaults {
  readonly knownHosts: string;
  readonly username: string | null;
  /** The key that ssh would use by default; null: there is none. */
  readonly privateKey: string | null;
}

/** Returns the settings that hold unless config.xml has others. Keys and ssh_config are looked up in the same home. */
export function sshDefaults(knownHosts: string, home = loginHome()): SshDefaults {
  const keys = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => path.join(home, '.ssh', name));
  return { knownHosts, username: accountName(), privateKey: keys.find((key) => existsSync(key)) ?? null };
}

/** Returns a function that fills in the defaults, once for each layer. */
export function createSshFinisher(defaults: SshDefaults): (layer: SshLayer) => SshSettings {
  return remembered((layer) => {
    const transport = layer.transport ?? 'ssh2';
    // The default key applies only without explicit credentials: OpenSSH finds its own, and `none` means none.
    const bare = layer.privateKey === undefined && (layer.password ?? null) === null && (layer.agent ?? null) === null;
    const takesDefaultKey = bare && (transport === 'ssh2' || transport === 'auto');
    return Object.freeze({
      username: layer.username ?? defaults.username,
      password: layer.password ?? null,
      privateKey: layer.privateKey ?? (takesDefaultKey ? defaults.privateKey : null),
      passphrase: layer.passphrase ?? null,
      agent: layer.agent ?? null,
      hostKeys: layer.hostKeys ?? 'strict',
      knownHosts: layer.knownHosts ?? defaults.knownHosts,
      config: layer.config ?? null,
      kex: layer.kex ?? null,
      via: transport === 'openssh' || transport === 'auto' ? transport : 'ssh2',
      proxyJump: layer.proxyJump ?? null,
      node: layer.node ?? null,
      unsealed: layer.unsealed ?? 'allow',
      explicit: layer.explicit ?? nothingExplicit,
    });
  });
}
