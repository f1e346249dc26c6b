import type { AnyAuthMethod, AuthenticationType, KeyboardInteractiveCallback, Prompt } from '../connection/ssh2.ts';
import type { Credentials } from '../credentials/credentials.ts';

/**
 * How often a login is tried at most, each key that is offered counting once. OpenSSH ends the connection at the sixth
 * failure (MaxAuthTries in sshd_config(5)) and then says nothing of keys, so the last word is left to us.
 */
const maxTries = 5;

/** The SSH method that an attempt counts as on the wire. */
type Method = 'publickey' | 'password' | 'keyboard-interactive';

interface Attempt {
  readonly label: string;
  readonly method: Method;
  readonly offer: AnyAuthMethod;
}

export interface Login {
  /** ssh2's authHandler: what to try next. */
  readonly next: (left: AuthenticationType[] | null, partial: boolean | null) => AnyAuthMethod | false;
  /** What was offered, for the message after a refusal. */
  readonly tried: () => readonly string[];
  /** How many keys were left out so that the login stays within its number of tries. */
  readonly withheld: () => { readonly keys: number; readonly ofAgent: number };
  /** What the client would have taken, as far as it said; null: not said. */
  readonly wanted: () => readonly string[] | null;
  /** True if a key was offered and nothing else was. */
  readonly byKey: () => boolean;
}

export interface LoginOptions {
  readonly username: string;
  readonly credentials: Credentials;
  /** Called with a sentence when the client asks what is not answered. */
  readonly refuse: (why: string) => void;
  /** The first way was refused on another connection; default: nothing was. */
  readonly withoutFirst?: boolean;
}

/**
 * The order of a login: keys, agent, password, keyboard-interactive with that password; what the client does not take
 * is left out, and a password that was judged is not sent a second time in another way (accounts get locked).
 */
export function planLogin({ username, credentials, refuse, withoutFirst = false }: LoginOptions): Login {
  const { password, keys, agent } = credentials;
  const attempts: Attempt[] = [];
  // A password may need two: a server that has no such method, and then keyboard-interactive.
  const mostKeys = maxTries - (password === null ? 0 : 2);
  for (const key of keys.slice(0, mostKeys)) {
    if (key.usable === null) continue;
    const offer: AnyAuthMethod = { type: 'publickey', username, key: key.usable };
    attempts.push({ label: `key ${key.fingerprint}`, method: 'publickey', offer });
  }
  if (agent) {
    agent.limit = mostKeys - attempts.length;
    const offer: AnyAuthMethod = { type: 'agent', username, agent };
    if (agent.limit > 0) attempts.push({ label: agentLabel, method: 'publickey', offer });
  }
  if (password !== null) {
    attempts.push({ label: 'password', method: 'password', offer: { type: 'password', username, password } });
    const prompt = answerPassword(password, refuse);
    const offer: AnyAuthMethod = { type: 'keyboard-interactive', username, prompt };
    attempts.push({ label: 'keyboard-interactive', method: 'keyboard-interactive', offer });
  }

  const tried: string[] = withoutFirst ? attempts.slice(0, 1).map(({ label }) => label) : [];
  let open = attempts.slice(tried.length);
  let last: Attempt | null = null;
  let wanted: readonly string[] | null = null;
  return {
    tried: () =>
      tried.flatMap((label) =>
        label === agentLabel && agent ? agent.offered.map((key) => `agent key ${key}`) : [label],
      ),
    withheld: () => ({ keys: Math.max(0, keys.length - mostKeys), ofAgent: agent?.withheld ?? 0 }),
    wanted: () => wanted,
    byKey: () => last?.method === 'publickey' && !tried.some((label) => passwordLabels.includes(label)),
    next: (left, partial) => {
      wanted = left;
      // After one of several required methods was taken, those that were refused for being out of turn count again.
      if (partial === true) open = attempts.filter((attempt) => attempt.method !== last?.method);
      else if (last?.method === 'password' && left?.includes('password') === true) {
        open = open.filter((attempt) => attempt.method !== 'keyboard-interactive');
      }
      const attempt = open.find(({ method }) => left === null || left.includes(method));
      if (attempt === undefined) return false;
      open = open.filter((other) => other !== attempt);
      last = attempt;
      tried.push(attempt.label);
      return attempt.offer;
    },
  };
}

const agentLabel = 'ssh-agent';
const passwordLabels: readonly string[] = ['password', 'keyboard-interactive'];

/** True for a prompt that asks for the account's password and nothing else: no code, no new password. */
export function isPasswordPrompt(prompt: string): boolean {
  return (
    /passw|passphrase|mot de passe|contrase|kennwort|senha|wachtwoord|hasło|парол|密码|密碼|パスワード/i.test(prompt) &&
    !/\b(?:new|retype|again|change|one-?time|otp|token|code|pin|neues?|nouveau)\b/i.test(prompt)
  );
}

function answerPassword(password: string, refuse: (why: string) => void) {
  let answered = false;
  return (
    _name: string,
    _instructions: string,
    _language: string,
    prompts: Prompt[],
    finish: KeyboardInteractiveCallback,
  ): void => {
    const [first, second] = prompts;
    if (!answered && first !== undefined && second === undefined && !first.echo && isPasswordPrompt(first.prompt)) {
      answered = true;
      finish([password]);
      return;
    }
    const asked = prompts.map(({ prompt }) => JSON.stringify(prompt.trim().slice(0, 80))).slice(0, 3);
    refuse(
      answered && prompts.some(({ prompt }) => isPasswordPrompt(prompt))
        ? 'the password was refused (keyboard-interactive)'
        : `keyboard-interactive asks ${asked.join(', ')}, which is not answered`,
    );
  };
}

interface Refusal {
  readonly username: string;
  readonly login: Login;
  /** Why something that is configured could not be offered; null: all could. */
  readonly problem: string | null;
  /** Files of certificates that could not be offered. */
  readonly certificates: readonly string[];
  /** The words with which the client ended the connection; null: it let the tries run out. */
  readonly said: string | null;
}

/** What people are told of a refused login: what was tried, what was not, and what the client would have taken. */
export function describeRefusal({ username, login, problem, certificates, said }: Refusal): string {
  const tried = login.tried();
  const wanted = login.wanted();
  const { keys, ofAgent } = login.withheld();
  return [
    said === null ? `${username} was refused` : `the client ended the login of ${username}: ${said}`,
    tried.length > 0 ? `tried ${tried.join(', ')}` : 'nothing that is configured was asked for',
    ...(wanted === null ? [] : [`the client takes ${wanted.join(', ') || 'nothing'}`]),
    ...(keys === 0 ? [] : [`private keys not tried: ${keys}`]),
    ...(ofAgent === 0 ? [] : [`keys of ssh-agent not tried: ${ofAgent}; privateKey="FILE.pub" picks one`]),
    ...(problem === null ? [] : [problem]),
    ...certificates.map((file) => `the certificate ${file} needs transport="openssh"`),
  ].join('; ');
}
