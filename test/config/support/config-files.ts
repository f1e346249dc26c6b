import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Client, Config, Finding, Rule } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/xml/findings.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** The time at which every configuration is loaded. */
export const nowMs = Date.parse('2026-11-20T10:00:00Z');

const root = tempFolder();
let lastFolder = 0;

/** Makes a folder with the given files (name -> text), mode 0600. It is removed after the tests of the file. */
export function configFolder(files: Readonly<Record<string, string>>): string {
  const folder = path.join(root, String(++lastFolder));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  }
  return folder;
}

/** Makes a config.xml with this text, and further files beside it. Returns its path. */
export function configFile(text: string, files: Readonly<Record<string, string>> = {}): string {
  return path.join(configFolder({ 'config.xml': text, ...files }), 'config.xml');
}

/** Loads a config.xml whose <config> has these children from line 2 on, with further files beside it. */
export function load(children: string, files: Readonly<Record<string, string>> = {}): Config {
  return loadText(`<config>\n${children}\n</config>\n`, files);
}

/** Loads a config.xml with this text, with further files beside it. */
export function loadText(text: string, files: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({ file: configFile(text, files), nowMs });
}

/** Returns the findings of a configuration with faults, as `FILE:LINE: message` without the folder. */
export function faults(children: string, files: Readonly<Record<string, string>> = {}): string[] {
  return faultsOfText(`<config>\n${children}\n</config>\n`, files);
}

/** Asserts that the first finding of a configuration matches. */
export function assertFault(children: string, words: RegExp, files: Readonly<Record<string, string>> = {}): void {
  assert.match(faults(children, files)[0] ?? '', words);
}

/** Returns the findings of a config.xml with this text, as `FILE:LINE: message` without the folder. */
export function faultsOfText(text: string, files: Readonly<Record<string, string>> = {}): string[] {
  return faultsOfFile(configFile(text, files));
}

/**
 * Returns the findings of a ConfigError that `load` throws, without the folder. Returns no findings if `load` throws
 * nothing. Rethrows other errors.
 */
export function faultsOf(load: () => unknown, folder: string): string[] {
  try {
    load();
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return shortly(thrown.findings, folder);
  }
  return [];
}

/** Returns the findings of a file, without its folder. */
export function faultsOfFile(file: string): string[] {
  return faultsOf(() => loadConfig({ file, nowMs }), path.dirname(file));
}

/** Returns findings in the format of messages, without their folder. */
export function shortly(findings: readonly Finding[], folder: string): string[] {
  return findings.map(({ file, line, message }) =>
    `${file}${line === null ? '' : `:${line}`}: ${message}`.replaceAll(`${folder}/`, ''),
  );
}

/** Returns the warnings of a configuration without faults. */
export function warnings(children: string): string[] {
  const config = load(children);
  return shortly(config.warnings, path.dirname(config.file));
}

/** Returns the client of a name, or the first client if no name is given. Throws if there is none. */
export function clientOf(config: Config, name?: string): Client {
  const client = config.clients.find((one) => name === undefined || one.name === name);
  if (client === undefined) throw new Error(`no client ${name ?? ''}`);
  return client;
}

/** Returns some fields of each client, in the order of the file. */
export function fieldsOf<Field extends keyof Client>(config: Config, ...fields: readonly Field[]): Client[Field][][] {
  return config.clients.map((client) => fields.map((field) => client[field]));
}

/** Returns the name of each client, in the order of the file. */
export function namesOf(config: Config): readonly string[] {
  return config.clients.map(({ name }) => name);
}

/** Returns the rule of this name that a client has in force. Returns undefined if the client has none. */
export function ruleOf(config: Config, name: string, client?: string): Rule | undefined {
  return clientOf(config, client).rules.find((rule) => rule.name === name);
}

/**
 * Returns the cases in a text. A case is lines of XML, followed by its expected findings, indented by two spaces. Four
 * spaces continue a finding.
 */
export function casesOf(text: string): readonly (readonly [xml: string, expected: readonly string[]])[] {
  assert.match(text.replaceAll(/^#.*\n|((?:^<.*\n)+)((?:^ {2}.*\n)+)/gm, ''), /^\s*$/);
  return [...text.matchAll(/((?:^<.*\n)+)((?:^ {2}.*\n)+)/gm)].map(([, xml = '', expected = '']) => [
    xml.trimEnd(),
    expected.replaceAll('\n    ', ' ').trim().split(/\n */),
  ]);
}
