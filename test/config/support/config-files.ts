import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import type { Client, Config, Finding, Rule } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/xml/findings.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** Every configuration is judged as of then. */
export const nowMs = Date.parse('2026-11-20T10:00:00Z');

/** A folder with the files given (name -> text), 0600, removed after the test. */
export function configFolder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = tempFolder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  }
  return folder;
}

/** Loads the children of a <config>, from its second line on, with further files beside it. */
export function load(t: TestContext, children: string, files: Readonly<Record<string, string>> = {}): Config {
  return loadText(t, `<config>\n${children}\n</config>\n`, files);
}

/** Loads a whole file. */
export function loadText(t: TestContext, text: string, files: Readonly<Record<string, string>> = {}): Config {
  const folder = configFolder(t, { 'config.xml': text, ...files });
  return loadConfig({ file: path.join(folder, 'config.xml'), nowMs });
}

/** The findings of a configuration with faults, as `FILE:LINE: message` without the folder. */
export function faults(t: TestContext, children: string, files: Readonly<Record<string, string>> = {}): string[] {
  return faultsOfText(t, `<config>\n${children}\n</config>\n`, files);
}

/** The same of a whole file. */
export function faultsOfText(t: TestContext, text: string, files: Readonly<Record<string, string>> = {}): string[] {
  const folder = configFolder(t, { 'config.xml': text, ...files });
  return faultsOfFile(path.join(folder, 'config.xml'));
}

/** The findings of what must throw a ConfigError; the folder is left out of them. */
export function faultsOf(load: () => unknown, folder: string): string[] {
  try {
    load();
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return shortly(thrown.findings, folder);
  }
  return [];
}

/** The findings of a file, without the folder that it is in. */
export function faultsOfFile(file: string): string[] {
  return faultsOf(() => loadConfig({ file, nowMs }), path.dirname(file));
}

/** Findings as people see them, without the folder they are in. */
export function shortly(findings: readonly Finding[], folder: string): string[] {
  return findings.map(({ file, line, message }) =>
    `${file}${line === null ? '' : `:${line}`}: ${message}`.replaceAll(`${folder}/`, ''),
  );
}

/** The warnings of a configuration without faults. */
export function warnings(t: TestContext, children: string): string[] {
  const folder = configFolder(t, { 'config.xml': `<config>\n${children}\n</config>\n` });
  return shortly(loadConfig({ file: path.join(folder, 'config.xml'), nowMs }).warnings, folder);
}

/** The only client, or that of a name. */
export function clientOf(config: Config, name?: string): Client {
  const client = config.clients.find((one) => name === undefined || one.name === name);
  if (client === undefined) throw new Error(`no client ${name ?? ''}`);
  return client;
}

/** Some fields of each client, in the order of the file. */
export function fieldsOf<Field extends keyof Client>(config: Config, ...fields: readonly Field[]): Client[Field][][] {
  return config.clients.map((client) => fields.map((field) => client[field]));
}

/** The name of each client, in the order of the file. */
export function namesOf(config: Config): readonly string[] {
  return config.clients.map(({ name }) => name);
}

/** The rule of a name that a client has in force. */
export function ruleOf(config: Config, name: string, client?: string): Rule | undefined {
  return clientOf(config, client).rules.find((rule) => rule.name === name);
}

/**
 * Cases in a text: lines of XML, and below them, indented by two blanks, the findings that they must have. Four blanks
 * continue a finding.
 */
export function casesOf(text: string): readonly (readonly [xml: string, expected: readonly string[]])[] {
  assert.match(text.replaceAll(/^#.*\n|((?:^<.*\n)+)((?:^ {2}.*\n)+)/gm, ''), /^\s*$/);
  return [...text.matchAll(/((?:^<.*\n)+)((?:^ {2}.*\n)+)/gm)].map(([, xml = '', expected = '']) => [
    xml.trimEnd(),
    expected.replaceAll('\n    ', ' ').trim().split(/\n */),
  ]);
}
