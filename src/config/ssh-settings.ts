import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';

import type { SshSettings } from './config.ts';
import { localPath } from './local-path.ts';
import type { Element } from './parse-elements.ts';
import { noteFile, readSecret, type ReadContext } from './read-secret.ts';
import type { Secret } from './secret.ts';
import { sshAttributes } from './vocabulary-ssh.ts';

/** What elements say of the way to a machine, merged from the outermost inwards; null: ended by `none`. */
export interface SshLayer {
  readonly username?: string | null;
  readonly password?: Secret | null;
  readonly privateKey?: string | null;
  readonly passphrase?: Secret | null;
  readonly agent?: string | null;
  readonly hostKeys?: SshSettings['hostKeys'];
  readonly knownHosts?: string;
  readonly config?: string | null;
  readonly transport?: SshSettings['transport'];
  readonly proxyJump?: string | null;
  readonly node?: string | null;
  readonly runtime?: SshSettings['runtime'];
  readonly unsealed?: SshSettings['unsealed'];
  readonly port?: number;
}

const names = Object.keys(sshAttributes);

/** A reader that merges what an element says over what holds around it, sharing equal results between elements. */
export function createSshReader(context: ReadContext): (element: Element, outer: SshLayer) => SshLayer {
  const merged = new WeakMap<SshLayer, Map<string, SshLayer>>();
  return (element, outer) => {
    let key = '';
    for (const name of names) {
      const value = element.attributes[name];
      if (value !== undefined) key += `${name}\0${value}\0`;
    }
    if (key === '') return outer;
    key += element.source.path;
    const known = merged.get(outer) ?? new Map<string, SshLayer>();
    merged.set(outer, known);
    // Where the secrets stand was noted by the first reading, for this file as well: the file is part of the key.
    const shared = known.get(key);
    if (shared !== undefined) return shared;
    const layer = { ...outer, ...readLayer(element, context) };
    if (!element.faulty) known.set(key, layer);
    return layer;
  };
}

function readLayer(element: Element, context: ReadContext): SshLayer {
  const said = element.attributes;
  const file = (text: string): string => localPath(text, element.source);
  const ends = <T>(text: string | undefined, read: (value: string) => T): T | null | undefined =>
    text === undefined ? undefined : text === 'none' ? null : read(text);
  const asIs = (text: string): string => text;
  const privateKey = ends(said['privateKey'], file);
  if (typeof privateKey === 'string') noteFile(privateKey, element, context.places);
  const layer = {
    username: ends(said['username'], asIs),
    password: readSecret(element, 'password', context),
    privateKey,
    passphrase: readSecret(element, 'passphrase', context),
    agent: ends(said['agent'], (text) => (text === 'env' ? text : file(text))),
    hostKeys: said['hostKeys'],
    knownHosts: said['knownHosts'] === undefined ? undefined : file(said['knownHosts']),
    config: ends(said['config'], file),
    transport: said['transport'],
    proxyJump: ends(said['proxyJump'], asIs),
    node: ends(said['node'], asIs),
    runtime: said['runtime'],
    unsealed: said['unsealed'],
    port: said['port'] === undefined ? undefined : Number(said['port']),
  };
  // The vocabulary has checked the words; what is not said must not cover what is said further out.
  return Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined)) as SshLayer;
}

export interface SshDefaults {
  readonly knownHosts: string;
  readonly username: string | null;
  /** The key that ssh would take of itself; null: there is none. */
  readonly privateKey: string | null;
}

/** What holds where nothing is said. */
export function sshDefaults(knownHosts: string): SshDefaults {
  const keys = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => path.join(homedir(), '.ssh', name));
  return { knownHosts, username: ownUser(), privateKey: keys.find((key) => existsSync(key)) ?? null };
}

function ownUser(): string | null {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in passwd, as in containers.
    return null;
  }
}

/** A function that fills in the defaults, once for each layer. */
export function createSshFinisher(defaults: SshDefaults): (layer: SshLayer) => SshSettings {
  const finished = new WeakMap<SshLayer, SshSettings>();
  return (layer) => {
    const known = finished.get(layer);
    if (known !== undefined) return known;
    const transport = layer.transport ?? 'ssh2';
    // Only where nothing at all is said of credentials: OpenSSH finds its own, and `none` means none.
    const bare = layer.privateKey === undefined && (layer.password ?? null) === null && (layer.agent ?? null) === null;
    const takesDefaultKey = bare && (transport === 'ssh2' || transport === 'auto');
    const settings: SshSettings = Object.freeze({
      username: layer.username ?? defaults.username,
      password: layer.password ?? null,
      privateKey: layer.privateKey ?? (takesDefaultKey ? defaults.privateKey : null),
      passphrase: layer.passphrase ?? null,
      agent: layer.agent ?? null,
      hostKeys: layer.hostKeys ?? 'strict',
      knownHosts: layer.knownHosts ?? defaults.knownHosts,
      config: layer.config ?? null,
      transport,
      proxyJump: layer.proxyJump ?? null,
      node: layer.node ?? null,
      runtime: layer.runtime ?? 'none',
      unsealed: layer.unsealed ?? 'refuse',
    });
    finished.set(layer, settings);
    return settings;
  };
}
