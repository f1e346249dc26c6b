/** The tables of the options of ssh_config(5). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import {
  isFollowed,
  isGathered,
  isKnownOption,
  opensshNeed,
  optionFault,
  portNumber,
  timeSeconds,
} from '../../../src/transport/ssh-config/ssh-config-options.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const program = '/usr/bin/ssh';
/** Keywords of ssh_config(5) that are no options. */
const sections = ['host', 'match', 'include'];
/** Options that ssh accepts and ignores since many releases. */
const retired =
  /^(?:afstokenpassing|challengeresponseauthentication|cipher|compressionlevel|dsaauthentication|fallbacktorsh|globalknownhostsfile2|hostbasedkeytypes|identityfile2|kerberos\w+|protocol|protocolkeepalives|rhosts\w+|setuptimeout|skeyauthentication|smartcarddevice|tisauthentication|use(?:blacklistedkeys|privilegedport|rsh)|userknownhostsfile2|usersh)$/;

/** Returns why the ssh of this machine cannot be compared with; false if it can. */
function incomparable(): string | false {
  if (!existsSync(program)) return 'needs ssh';
  const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(spawnSync(program, ['-V'], { encoding: 'utf8' }).stderr) ?? [];
  return Number(major) * 100 + Number(minor) > 1002 && 'a newer ssh may have other options';
}

/** Returns the words of a program that might be keywords, and that we do not know. */
function unknownWords(): readonly string[] {
  const words = readFileSync(program, 'latin1').match(/(?<=\0)[a-z][a-z0-9]{3,31}(?=\0)/g) ?? [];
  return [...new Set(words)].filter((word) => !isKnownOption(word) && !sections.includes(word) && !retired.test(word));
}

describe('the options of ssh_config(5)', () => {
  it('are all that the ssh of this machine has', { skip: incomparable() }, () => {
    const file = path.join(tempFolder(), 'config');
    const words = unknownWords();
    writeFileSync(file, words.map((word) => `${word} x\n`).join(''));
    const { stderr } = spawnSync(program, ['-G', '-F', file, 'web-1'], { encoding: 'utf8' });
    const refused = new Set([...stderr.matchAll(/Bad configuration option: (\w+)/g)].map(([, word]) => word));
    assert.ok(refused.size > 0, stderr);
    assert.deepEqual(
      words.filter((word) => !refused.has(word)),
      [],
    );
  });

  it('are followed, gathered, left to OpenSSH, or of no consequence', () => {
    const followed =
      'addressfamily connecttimeout globalknownhostsfile hostkeyalias hostname identitiesonly identityagent ' +
      'ignoreunknown kexalgorithms port proxycommand proxyjump stricthostkeychecking tag user userknownhostsfile';
    for (const name of followed.split(' '))
      assert.deepEqual([isFollowed(name), isKnownOption(name)], [true, true], name);
    for (const name of ['identityfile', 'certificatefile']) {
      assert.deepEqual([isGathered(name), isFollowed(name), isKnownOption(name)], [true, false, true], name);
    }
    for (const name of ['forwardagent', 'knownhostscommand', 'constructor', 'fooo']) {
      assert.deepEqual([isGathered(name), isFollowed(name)], [false, false], name);
    }
    for (const name of ['constructor', 'toString', 'fooo', '']) assert.equal(isKnownOption(name), false, name);
  });

  const needs: readonly (readonly [keyword: string, off: string, on: string, needed: boolean])[] = [
    ['canonicalizehostname', 'no', 'yes', true],
    ['canonicalizehostname', 'False', 'always', true],
    ['gssapiauthentication', 'no', 'yes', false],
    ['gssapiauthentication', 'FALSE', 'yes', false],
    ['hostbasedauthentication', 'no', 'yes', false],
    ['hostbasedauthentication', 'false', 'yes', false],
    ['knownhostscommand', 'none', '/usr/bin/keys', true],
    ['pkcs11provider', 'none', '/lib/p11.so', true],
    ['revokedhostkeys', 'None', '/etc/revoked', true],
  ];
  for (const [keyword, off, on, needed] of needs) {
    it(`${keyword} needs OpenSSH, unless it is ${off}`, () => {
      assert.equal(opensshNeed(keyword, off), null);
      assert.equal(opensshNeed(keyword, on)?.needed, needed);
    });
  }

  it('that bind to an address or interface always need OpenSSH; others never do', () => {
    for (const keyword of ['bindaddress', 'bindinterface']) {
      for (const value of ['no', 'none', '10.0.0.1']) assert.equal(opensshNeed(keyword, value)?.needed, true, keyword);
    }
    for (const keyword of ['user', 'forwardagent', 'constructor']) assert.equal(opensshNeed(keyword, 'x'), null);
  });

  const rejected: readonly (readonly [keyword: string, args: readonly string[], says: string | null])[] = [
    ['user', [], 'has no argument'],
    ['forwardagent', [], 'has no argument'],
    ['user', ['a', 'b'], 'has more than one argument'],
    ['identityfile', ['a', 'b'], 'has more than one argument'],
    ['sendenv', ['a', 'b'], null],
    ['globalknownhostsfile', ['a', 'b'], null],
    ['userknownhostsfile', ['a', 'b'], null],
    ['proxycommand', ['nc', '%h'], null],
    ['proxyjump', ['a', '#b'], null],
    ['userknownhostsfile', ['none'], null],
    ['userknownhostsfile', ['a', 'none'], 'has none among others'],
    ['globalknownhostsfile', ['none', 'a'], 'has none among others'],
    ['proxycommand', ['nc', 'none'], null],
    ...['any', 'inet', 'INET6'].map((value) => ['addressfamily', [value], null] as const),
    ['addressfamily', ['inet4'], 'is none of any, inet, inet6'],
    ...['yes', 'no', 'True', 'false'].map((value) => ['identitiesonly', [value], null] as const),
    ['identitiesonly', ['off'], 'is none of yes, no, true, false'],
    ...['yes', 'true', 'no', 'false', 'off', 'ask', 'accept-new'].map(
      (value) => ['stricthostkeychecking', [value], null] as const,
    ),
    ['stricthostkeychecking', ['maybe'], 'is none of yes, true, no, false, off, ask, accept-new'],
    ['port', ['0'], 'is no port number'],
    ['port', ['22'], null],
    ['connecttimeout', ['none'], null],
    ['connecttimeout', ['1m'], null],
    ['connecttimeout', ['soon'], 'is no time'],
  ];
  for (const [keyword, args, says] of rejected) {
    it(`${keyword} ${args.join(' ')}: ${says ?? 'right'}`, () => assert.equal(optionFault(keyword, args), says));
  }

  const ports = { '1': 1, '+22': 22, '65535': 65_535, ssh: 22, '0': null, '65536': null, '-1': null, '2 2': null };
  for (const [text, port] of Object.entries(ports)) {
    it(`port ${JSON.stringify(text)}`, () => assert.equal(portNumber(text), port));
  }

  const times = {
    '5': 5,
    '5s': 5,
    '2m': 120,
    '1H': 3600,
    '1d': 86_400,
    '1w': 604_800,
    '1h30m': 5400,
    '': null,
    '1y': null,
  };
  for (const [text, seconds] of Object.entries({ ...times, '-1': null, '1.5': null, '1 m': null })) {
    it(`time ${JSON.stringify(text)}`, () => assert.equal(timeSeconds(text), seconds));
  }
});
