import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import * as v from 'valibot';

import { environmentForPrograms, Secret } from '../../config/secret.ts';
import { checkSecretFile } from '../../config/settings/permissions.ts';
import { errnoOf, fileFault, FleetError, messageOf, usageError } from '../../platform/errors/errors.ts';
import type { ImportKind } from '../import/import-kinds.ts';
import type { Skipped, SourceText } from '../import/imported.ts';
import { cut } from '../../text/text-columns.ts';
import { decodeText } from '../../text/plain-text.ts';
import { type CommandOutcome, type CommandRun, runCommand } from '../../platform/run-command.ts';
import { entriesOf, parseJson } from '../../platform/parse-json.ts';
import { minuteMs } from '../../platform/units.ts';
import { ansibleMessages } from './ansible-messages.ts';
import { readUrl } from './read-url.ts';

const maxBytes = 256 * 1024 * 1024;

/**
 * Reads a list of machines: a file, a URL, or standard input. An Ansible inventory that is no JSON is read by
 * `ansible-inventory`. Throws FleetError `import-unreadable`.
 */
export async function readList(
  kind: ImportKind,
  given: string | null,
  { passwordFile }: { readonly passwordFile: string | null },
  signal: AbortSignal,
): Promise<SourceText> {
  if (given !== null && /^https?:\/\//i.test(given)) {
    const { host, body } = await readUrl(passwordFile === null ? given : withPassword(given, passwordFile), signal);
    return { file: null, host, text: decodeText(body) };
  }
  if (passwordFile !== null) throw usageError('--password-file is for a list at a web address');
  // `web-1,web-2,` is an inventory of Ansible without a file.
  if (kind === 'ansible' && given?.includes(',') === true && !existsSync(given)) {
    return { file: null, ...(await askAnsible(given, signal)) };
  }
  const file = given === null || given === '-' ? null : path.resolve(given);
  if (kind === 'ansible' && file !== null && !file.endsWith('.json')) {
    return { file, ...(await askAnsible(file, signal)) };
  }
  return { file, text: file === null ? await readInput(signal) : readFile(file) };
}

/** The bytes of a list by which it is recognised. */
export const maxBeginning = 64 * 1024;

/** Returns the beginning of a file; null if there is no such file, or it cannot be read. */
export function beginningOf(given: string | null): string | null {
  try {
    if (given === null || !statSync(given).isFile()) return null;
    const handle = openSync(given, 'r');
    try {
      const bytes = Buffer.alloc(maxBeginning);
      return decodeText(bytes.subarray(0, readSync(handle, bytes, 0, maxBeginning, 0)));
    } finally {
      closeSync(handle);
    }
  } catch {
    return null;
  }
}

/** Puts the password of a file into a web address. */
function withPassword(text: string, passwordFile: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username === '' || url.password !== '') {
    throw usageError('--password-file is for an address with a name, without a password', 'Write https://NAME@HOST/.');
  }
  const file = path.resolve(passwordFile);
  checkSecretFile(file);
  url.password = encodeURIComponent(new Secret({ kind: 'file', path: file }).reveal());
  return url.href;
}

function readFile(file: string): string {
  try {
    return decodeText(readFileSync(file));
  } catch (thrown) {
    throw unreadable(`${file} cannot be read: ${fileFault(thrown)}`, thrown);
  }
}

async function readInput(signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const stop = (): void => void process.stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw unreadable('standard input has more than 256 MiB');
    chunks.push(chunk);
  }
  signal.throwIfAborted();
  return decodeText(Buffer.concat(chunks));
}

/**
 * Reads an inventory with ansible-inventory, which describes faults itself. A file that Ansible cannot parse is a
 * fault, also in a folder of others. The output goes to a file: a pipe would cut a list of many thousand machines.
 */
async function askAnsible(file: string, signal: AbortSignal): Promise<Omit<SourceText, 'file'>> {
  const folder = makeFolder();
  const listed = path.join(folder, 'inventory.json');
  const stdout = openSync(listed, 'wx', 0o600);
  try {
    const args = ['--list', '-i', file];
    const strict = { ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED: '1', ANSIBLE_NOCOLOR: '1' };
    const env = { ...environmentForPrograms(), ...strict };
    const run = { args, env, stdout, signal, timeoutMs: 10 * minuteMs };
    const ended = await runAnsible({ command: 'ansible-inventory', ...run });
    if (ended === null) {
      const advice = 'Run `ansible-inventory --list` where Ansible is, and give its output as FILE.json or on -.';
      throw unreadable('ansible-inventory is not installed here', undefined, advice);
    }
    const { stderr } = ended;
    if (ended.isLate || ended.status !== 0) {
      const messages = ansibleMessages(stderr);
      const fault = messages.findLast((message) => message.startsWith('ERROR')) ?? messages.join(' ');
      const warned = messages.filter((message) => message.startsWith('[WARNING]'));
      const why = [fault, ...warned].map((one) => cut(one, 300)).join(' ');
      throw unreadable(`ansible-inventory -i ${file} failed: ${why}`);
    }
    const warnings = ansibleMessages(stderr).map((why): Skipped => ({ where: 'ansible-inventory', why }));
    const { defaults, left } = await askAnsibleConfig(signal);
    return { text: readFileSync(listed, 'utf8'), warnings: [...warnings, ...left], defaults };
  } finally {
    closeSync(stdout);
    rmSync(folder, { recursive: true, force: true });
  }
}

const maxOutputChars = 64 * 1024;

/** Runs a program of Ansible. Returns null if it is not installed. */
async function runAnsible(run: Omit<CommandRun, 'maxOutput'>): Promise<CommandOutcome | null> {
  try {
    return await runCommand({ ...run, maxOutput: maxOutputChars, waitsForOutput: true });
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

function makeFolder(): string {
  try {
    return mkdtempSync(path.join(tmpdir(), 'fleet-health-import-'));
  } catch (thrown) {
    throw unreadable(`no folder can be made in ${tmpdir()}: ${messageOf(thrown)}`, thrown, 'Set TMPDIR to a folder.');
  }
}

/** The settings of ansible.cfg that an inventory has a variable for. */
const variableOf: Readonly<Record<string, string>> = {
  ...{ remote_user: 'ansible_user', port: 'ansible_port', private_key_file: 'ansible_private_key_file' },
  ...{ ssh_args: 'ansible_ssh_args', ssh_common_args: 'ansible_ssh_common_args' },
  ...{ ssh_extra_args: 'ansible_ssh_extra_args' },
};

const ansibleSetting = v.object({
  name: v.pipe(v.string(), v.regex(/^\w{1,64}$/)),
  value: v.unknown(),
  origin: v.fallback(v.string(), ''),
});
type AnsibleSetting = v.InferOutput<typeof ansibleSetting>;

/** The answer of ansible-config: an object for each plugin, with its settings. */
const ansibleConfig = v.array(v.object({ ssh: v.optional(v.array(v.unknown()), []) }));

/** Asks Ansible for the settings of its SSH connections that ansible.cfg or the environment changes. */
async function askAnsibleConfig(
  signal: AbortSignal,
): Promise<{ readonly defaults: Readonly<Record<string, unknown>>; readonly left: readonly Skipped[] }> {
  const args = ['dump', '--only-changed', '-t', 'connection', '--format', 'json'];
  const env = environmentForPrograms();
  const ended = await runAnsible({ command: 'ansible-config', args, env, signal, timeoutMs: minuteMs });
  const settings = ended?.status === 0 ? sshSettings(ended.stdout) : null;
  if (settings === null) {
    const why = 'its settings, such as remote_user, could not be read with ansible-config dump';
    return { defaults: {}, left: [{ where: 'ansible.cfg', why }] };
  }
  const taken = settings.filter(({ name }) => Object.hasOwn(variableOf, name));
  const others = settings.filter(({ name }) => !Object.hasOwn(variableOf, name));
  return {
    defaults: Object.fromEntries(taken.map((one) => [variableOf[one.name] ?? '', valueOf(one)])),
    left: others.map(({ name }) => ({ where: `ansible.cfg: ${name}`, why: 'not taken from any machine' })),
  };
}

/** Returns the settings of the ssh plugin; null if the text is no answer of ansible-config. */
function sshSettings(text: string): readonly AnsibleSetting[] | null {
  const plugins = parseJson(ansibleConfig, text);
  return plugins?.flatMap(({ ssh }) => entriesOf(ansibleSetting, ssh)) ?? null;
}

/** Returns a setting's value. The path of a key is relative to the file that has the setting. */
function valueOf({ name, value, origin }: AnsibleSetting): unknown {
  const isRelative = typeof value === 'string' && !/^[~/]/.test(value) && path.isAbsolute(origin);
  return name === 'private_key_file' && isRelative ? path.resolve(path.dirname(origin), value) : value;
}

function unreadable(message: string, cause?: unknown, advice?: string): FleetError {
  return new FleetError({ code: 'import-unreadable', stage: 'usage', message, cause, advice });
}
