import { isIP } from 'node:net';

import { isObject } from '../../../platform/parse-json.ts';
import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from '../imported.ts';
import { createLeftKeys } from '../left-keys.ts';
import { unreadable } from '../unreadable.ts';
import { yamlDocument } from './yaml-document.ts';

type Values = Readonly<Record<string, unknown>>;

const usualPort = 5000;
const advice = 'Give a file of its etc/ with pattoo-os-hubd and ip_devices in it.';

/**
 * Reads a configuration of pattoo-os: each machine that its hub polls is a client that is asked over HTTP. The section
 * of the program that answers becomes a line about agent.json.
 */
export function readPattoo(source: SourceText): Imported {
  const document = yamlDocument(source, advice, { merge: true });
  if (!isObject(document)) throw unreadable(source, 'it is no configuration of pattoo-os', advice);
  const skipped: Skipped[] = [];
  const hosts: ImportedHost[] = [];
  const left = createLeftKeys();
  for (const [index, [section, content]] of Object.entries(document).entries()) {
    const values = isObject(content) ? content : {};
    if (/^pattoo[-_]os[-_]hubd$/.test(section)) {
      const devices: readonly unknown[] = Array.isArray(values['ip_devices']) ? values['ip_devices'] : [];
      for (const [at, device] of devices.entries()) {
        const where = `${section}.ip_devices[${at}]`;
        const host = hostOf(isObject(device) ? device : {}, where);
        if (host === null) skipped.push({ where, why: 'no ip_address, or no port from 1 to 65535' });
        else hosts.push(host);
        for (const key of furtherKeys(device, ['ip_address', 'ip_bind_port', 'bind_port'])) left.leave(key, where);
      }
      for (const key of furtherKeys(values, ['ip_devices'])) left.leave(key, section);
    } else if (/^pattoo[-_]os[-_]spoked$/.test(section)) {
      const { listen_address, ip_bind_port } = values;
      const spoke = JSON.stringify({ spoke: { listen_address, ip_bind_port } });
      skipped.push({ where: section, why: `is not of the collector; write into agent.json of that machine: ${spoke}` });
    } else skipped.push({ where: `section ${index + 1}`, why: 'config.xml has no words for it' });
  }
  return { hosts, skipped: [...skipped, ...left.skipped()] };
}

/** Returns `key NAME` for each key that is not among those that are read. */
function furtherKeys(value: unknown, read: readonly string[]): readonly string[] {
  const keys = Object.keys(isObject(value) ? value : {}).filter((key) => !read.includes(key));
  return keys.map((key) => (/^\w{1,64}$/.test(key) ? `key ${key}` : 'a key that is no word'));
}

function hostOf(
  { ip_address: ip, ip_bind_port: first, bind_port: second }: Values,
  where: string,
): ImportedHost | null {
  const port = Number(first ?? second ?? usualPort);
  if (typeof ip !== 'string' || ip === '' || !Number.isInteger(port) || port < 1 || port > 65_535) return null;
  const address = isIP(ip) === 6 ? `[${ip}]` : ip;
  const url = `http://${address}:${port}/`;
  return port === usualPort ? { ...hostNamed(ip, where), url } : { ...hostNamed(`${ip}:${port}`, where), ip, url };
}
