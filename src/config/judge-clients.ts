import type { NotifyConfig, Rule } from './config.ts';
import type { Findings, Place } from './findings.ts';
import { maxProbeOptionBytes } from './probe-options.ts';
import type { ReadClient } from './read-clients.ts';
import { reachesAnybody } from './recipients.ts';

export interface JudgeClientsOptions {
  readonly clients: readonly ReadClient[];
  readonly notify: readonly NotifyConfig[];
  readonly placeOf: (rule: Rule) => Place | null;
  readonly hasFallback: boolean;
  readonly findings: Findings;
  /** The place of the file as a whole, for what concerns many clients. */
  readonly whole: Place;
}

/** What can only be said of clients as a whole: rules that reach nobody, options that do not fit, no way to log in. */
export function judgeClients({ clients, notify, placeOf, hasFallback, findings, whole }: JudgeClientsOptions): void {
  const reached = createReachCheck(notify);
  const deaf = new Map<Rule, Gathered>();
  const tooLong = new Map<object, Gathered>();
  const untold = gather(whole);
  const keyless = gather(whole);
  for (const read of clients) {
    const { client, audience } = read;
    if (client.state === 'retired') continue;
    for (const rule of client.rules) {
      if (rule.origin !== 'file') break;
      if (!audience.muted && !reached(rule, audience)) add(deaf, rule, placeOf(rule) ?? read, client.name);
    }
    if (audience.recipients.length === 0 && !audience.muted && !hasFallback && notify.length === 0)
      untold.names.push(client.name);
    const { ssh, probeOptions } = client;
    if (Buffer.byteLength(JSON.stringify(probeOptions)) > maxProbeOptionBytes)
      add(tooLong, probeOptions, read, client.name);
    const usesSsh2 = ssh.transport === 'ssh2';
    if (usesSsh2 && ssh.password === null && ssh.privateKey === null && ssh.agent === null)
      keyless.names.push(client.name);
  }
  for (const [rule, { place, names }] of deaf) {
    findings.fault(
      place,
      `<alert> "${rule.name}" would reach nobody for ${list(names)}; write mail="..." or <mail to="..."/> there or further out`,
    );
  }
  for (const { place, names } of tooLong.values()) {
    findings.fault(
      place,
      `the units, processes and mounts that rules name for ${list(names)} do not fit into one visit (${maxProbeOptionBytes} bytes); name fewer`,
    );
  }
  if (untold.names.length > 0) {
    findings.warn(
      whole,
      `default rules and conditions of ${list(untold.names)} reach nobody; write mail="..." or <smtp fallback="...">`,
    );
  }
  if (keyless.names.length > 0) {
    findings.warn(
      whole,
      `there is no password, private key or ssh-agent for ${list(keyless.names)}; write privateKey="..." or agent="env"`,
    );
  }
}

interface Gathered {
  readonly place: Place;
  readonly names: string[];
}

function gather(place: Place): Gathered {
  return { place, names: [] };
}

function add<T>(gathered: Map<T, Gathered>, key: T, place: Place, name: string): void {
  const known = gathered.get(key);
  if (known === undefined) gathered.set(key, { place, names: [name] });
  else known.names.push(name);
}

/** `web-1`, `web-1 and web-2`, or `web-1 and 79 others`. */
function list(names: readonly string[]): string {
  const [first = '', second = ''] = names;
  if (names.length === 1) return first;
  return names.length === 2 ? `${first} and ${second}` : `${first} and ${names.length - 1} others`;
}

/** Remembers the answers for the audiences and rules that clients share. */
function createReachCheck(notify: readonly NotifyConfig[]): (rule: Rule, audience: ReadClient['audience']) => boolean {
  const answers = new WeakMap<ReadClient['audience'], WeakMap<Rule, boolean>>();
  return (rule, audience) => {
    const known = answers.get(audience) ?? new WeakMap<Rule, boolean>();
    answers.set(audience, known);
    let answer = known.get(rule);
    if (answer === undefined) {
      answer = reachesAnybody(rule, audience, notify);
      known.set(rule, answer);
    }
    return answer;
  };
}
