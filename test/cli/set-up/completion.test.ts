// Second tier: a shell for each completion.
/** `completion`: the completions of each shell for command lines, tested with the shells themselves. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';

import { isWide } from '../../support/long-tests.ts';
import { agentProgram, configFolder, program, runCli, succeeded } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const config = `<config>
  <group name="web servers"><client name="web-1" ip="192.0.2.1"/><client name="web-$(touch /tmp/harm)" ip="192.0.2.2"/></group>
  <client name="db-1" ip="192.0.2.3"/>
</config>`;

type Line = readonly [line: readonly string[], offered: readonly string[], withheld: readonly string[]];

/** Command lines up to the cursor, with the words that must be offered and the words that must not. */
const lines: readonly Line[] = [
  [['--ver'], ['--version', '--verbose'], ['--json']],
  [['-c', 'CONFIG', 'collect', '--group', ''], ['web servers'], ['web-1', 'collect']],
  [['-c', 'CONFIG', 'collect', 'web-'], ['web-1', 'web-$(touch /tmp/harm)'], ['db-1']],
  [['-c', '/nowhere', 'collect', ''], [], ['web-1']],
];

/** Lines whose words complete.test.ts expects, and which a shell reads as it reads others above. */
const alike: readonly Line[] = [
  [['col'], ['collect'], ['status']],
  [
    ['silence', ''],
    ['add', 'list', 'expire'],
    ['collect', 'web-1'],
  ],
];

type Offer = (script: string, line: readonly string[], env: Readonly<Record<string, string>>) => string;

function answered(command: string, args: readonly string[], env: Readonly<Record<string, string>>): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env, timeout: 60_000 });
  assert.deepEqual([status, stderr], [0, ''], `${command}: ${stdout}`);
  return stdout;
}

/** For each shell, a function that returns the quoted words for the cursor's position, one a line. */
const offers: Readonly<Record<string, Offer>> = {
  bash: (script, line, env) =>
    answered(
      'bash',
      [
        ...['--norc', '-c', '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fleet_health'],
        ...['bash', script, 'fleet-health', ...line],
      ].map((word) =>
        word.endsWith('_fleet_health')
          ? `${word}; for one in "\${COMPREPLY[@]}"; do eval "printf '%s\\n' $one"; done`
          : word,
      ),
      env,
    ),
  zsh: (script, line, env) =>
    answered(
      'zsh',
      [
        ...['-f', '-c', 'compdef() { :; }; . "$1"; shift; words=("$@"); CURRENT=$#; _files() { :; }'],
        ...['zsh', script, 'fleet-health', ...line],
      ].map((word) =>
        // compadd works only in the line editor, where it omits words that do not begin with the typed word.
        word.endsWith('_files() { :; }')
          ? `${word}; compadd() { shift; for one in "$@"; do [[ $one == "$words[CURRENT]"* ]] && print -r -- "$one"; ` +
            'done; :; }; _fleet_health; :'
          : word,
      ),
      env,
    ),
  fish: (script, line, env) =>
    answered(
      'fish',
      [
        ...[
          '--no-config',
          '-c',
          'source $argv[1]; complete -C (string join -- " " fleet-health (string escape -- $argv[2..-2]) $argv[-1])',
        ],
        ...[script, ...line],
      ],
      env,
    ).replaceAll(/\t.*/g, ''),
};

const scripts: Record<string, string> = {};
before(async () => {
  for (const shell of Object.keys(offers)) scripts[shell] = await succeeded(runCli(['completion', shell]));
});

for (const [shell, offer] of Object.entries(offers)) {
  const isThere = spawnSync(shell, ['-c', ':']).status === 0;
  test(`completion of ${shell}`, { skip: isThere ? false : `${shell} is not installed` }, (t) => {
    const folder = tempFolder(t);
    const file = path.join(configFolder(t, config), 'config.xml');
    const script = path.join(folder, 'script');
    writeFileSync(script, scripts[shell] ?? '');
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(program, path.join(bin, 'fleet-health'));
    symlinkSync(process.execPath, path.join(bin, 'node'));
    const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: folder };
    for (const [line, offered, withheld] of isWide ? [...lines, ...alike] : lines) {
      const said = offer(
        script,
        line.map((word) => (word === 'CONFIG' ? file : word)),
        env,
      );
      const words = said.split('\n').filter((word) => word !== '');
      const where = `${shell}: ${line.join(' ')}: ${said}`;
      assert.deepEqual(
        offered.filter((word) => !words.includes(word)),
        [],
        where,
      );
      assert.deepEqual(
        withheld.filter((word) => words.includes(word)),
        [],
        where,
      );
    }
  });
}

test('fleet-health-agent completes its own commands', async (t) => {
  const folder = tempFolder(t);
  const script = path.join(folder, 'script');
  writeFileSync(script, await succeeded(runCli(['completion', 'bash'], { program: agentProgram })));
  symlinkSync(agentProgram, path.join(folder, 'fleet-health-agent'));
  symlinkSync(process.execPath, path.join(folder, 'node'));
  const words = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fleet_health_agent; echo "${COMPREPLY[@]}"';
  const args = ['--norc', '-c', `. "$1"; shift; ${words}`, 'bash', script, 'fleet-health-agent', 'sta'];
  assert.equal(answered('bash', args, { PATH: `${folder}:/usr/bin:/bin` }).trim(), 'start status');
});
