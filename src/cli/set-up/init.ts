import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';

import type { Config } from '../../config/config.ts';
import { systemConfigPath } from '../../state-folder/paths.ts';
import { loadConfig } from '../../config/load-config.ts';
import { changedFault, errnoOf, FleetError, unwritableError, usageError } from '../../platform/errors/errors.ts';
import { accountName, expandHome } from '../../platform/account.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { confirm, openQuestions } from '../command/question.ts';
import { lastingCommand } from '../command/schedulers.ts';
import { firstConfig } from './first-config.ts';
import type { initParameters } from './parameters.ts';
import { asService, giveToService, type ServiceAccount, serviceAccount } from './service-account.ts';

type InitOptions = OptionsOf<typeof initParameters>;

type Asked = Readonly<Record<keyof InitOptions, string>>;

const questions: Readonly<Record<keyof InitOptions, string>> = {
  mailTo: 'Who is notified of alerts? Mail addresses, with commas',
  smtp: 'Which mail server takes the mails? HOST or HOST:PORT; none: they stay in outbox/',
  login: 'As whom are machines logged in to? ACCOUNT, or ACCOUNT:PRIVATE_KEY',
  clients:
    'Which machines? NAME or NAME=ADDRESS, also with :PORT, with commas; local; or a file of fleet-health import',
  dir: 'In which folder is config.xml to be?',
};
/** The commands that follow, each offered at a terminal. */
const steps: readonly (readonly string[])[] = [['check', '--connect'], ['trust'], ['collect']];

/** Runs `init`: asks five questions, writes config.xml, and offers the next commands. */
export async function initCommand(context: Context, options: InitOptions): Promise<ExitStatus> {
  const { output } = context;
  const isAsking = output.terminal && !output.json && process.stdin.isTTY;
  const { configFile } = context;
  if (configFile !== null && options.dir !== null) throw usageError('-c and --dir both name a place; give one of them');
  const dir = configFile === null ? options.dir : path.dirname(configFile);
  const answers = await askAll(context, { ...options, dir }, isAsking);
  const file = path.resolve(configFile ?? path.join(expandHome(answers.dir), 'config.xml'));
  const [username = '', key = null] = /^([^:]*):(.*)$/.exec(answers.login)?.slice(1) ?? [answers.login];
  // The service's account may read no other folder of root's.
  const service = file === systemConfigPath ? serviceAccount() : null;
  const as = service === null ? '' : asService(service);
  const program = `${as}fleet-health -c ${shownShellWord(file)}`;
  const config = writeConfig({ file, text: firstConfig({ ...answers, username, key }), service });
  const start = lastingCommand(config, program);
  const next = [...steps.map((words) => `${program} ${words.join(' ')}`), start];
  if (!isAsking) {
    return printDone(
      output,
      () => ({ command: 'init', file, next }),
      () => `${file} is written. Next:\n${next.map((line) => `  ${line}`).join('\n')}`,
    );
  }
  output.print(`${file} is written.`);
  // A failed step does not end the others: check --connect fails for host keys that trust adds.
  const failed: string[] = [];
  for (const words of steps) {
    const step = words.join(' ');
    const isWanted = await confirm(context, `Run ${program} ${step} now?`, () => usageError('no terminal'));
    if (isWanted && runStep({ file, words, service }) !== 0) failed.push(step);
  }
  output.print(`\nNothing starts it by itself yet. This command starts it from now on:\n\n  ${start}`);
  const [first] = failed;
  if (first === undefined) return 0;
  const named = new Intl.ListFormat('en-GB').format(failed);
  output.print(`\nFaults of ${named} are named above. Mend them when you can, then: ${program} ${first}`);
  return 1;
}

async function askAll({ signal }: Context, options: InitOptions, isAsking: boolean): Promise<Asked> {
  const systemFolder = path.dirname(systemConfigPath);
  const usual: Asked = {
    ...{ mailTo: '', smtp: 'localhost', login: usualLogin(), clients: 'local' },
    dir: process.geteuid?.() === 0 && existsSync(systemFolder) ? systemFolder : '.',
  };
  const keys = Object.keys(questions) as (keyof InitOptions)[];
  const flags = { mailTo: '--mail-to', smtp: '--smtp', login: '--login', clients: '--clients', dir: '--dir' };
  // Without a terminal, the other questions get their defaults, as if each were answered by Return.
  const missing = keys.filter((key) => options[key] === null && (usual[key] === '' || key === 'clients'));
  if (!isAsking && missing.length > 0) {
    const advice = `Give ${missing.map((key) => flags[key]).join(' and ')}, or run it at a terminal.`;
    throw usageError('init asks questions, and there is no terminal', advice);
  }
  const terminal = isAsking ? openQuestions(signal) : null;
  try {
    const answers: Record<string, string> = {};
    for (const key of keys) {
      const shown = usual[key] === '' ? '' : ` [${usual[key]}]`;
      const asked = options[key] ?? (terminal === null ? '' : await terminal.ask(`${questions[key]}${shown}: `));
      if (asked === null) throw usageError('the input ended before all questions were answered; nothing is written');
      answers[key] = asked.trim() === '' ? usual[key] : asked.trim();
    }
    return answers as Asked;
  } finally {
    terminal?.close();
  }
}

/** Returns this account's name, which machines often have too. Returns `monitor`, an ordinary account, for root. */
function usualLogin(): string {
  const name = accountName();
  return name === null || name === 'root' ? 'monitor' : name;
}

interface WriteConfigOptions {
  readonly file: string;
  readonly text: string;
  readonly service: ServiceAccount | null;
}

/** Writes the file for its owner and the service's group. Throws if it exists. Removes it if it has a fault. */
function writeConfig({ file, text, service }: WriteConfigOptions): Config {
  try {
    writeDurably({ file, content: text, mode: 0o640, exclusive: true, inExistingFolder: true });
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') throw usageError(`${file} exists, and is left as it is`, 'Change it by hand.');
    if (!existsSync(path.dirname(file))) throw usageError(`there is no folder ${path.dirname(file)}`, 'Make it first.');
    throw unwritableError(file, thrown);
  }
  try {
    const config = loadConfig({ file });
    giveToService(file, service);
    return config;
  } catch (thrown) {
    rmSync(file, { force: true });
    if (!(thrown instanceof FleetError)) throw thrown;
    const advice = `${file} is not written. Mend what is named, in the answer or in the included file.`;
    throw changedFault(thrown, { advice });
  }
}

interface RunStepOptions {
  readonly file: string;
  readonly words: readonly string[];
  readonly service: ServiceAccount | null;
}

/** Runs a command of this program at this terminal, as the service if there is one. Returns its exit status. */
function runStep({ file, words, service }: RunStepOptions): number {
  const args = [process.argv[1] ?? '', '-c', file, ...words];
  const { uid, gid, home } = service ?? {};
  const as = service === null ? {} : { uid, gid, cwd: '/', env: { ...process.env, HOME: home } };
  return spawnSync(process.execPath, args, { stdio: 'inherit', ...as }).status ?? 1;
}
