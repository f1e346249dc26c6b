import type { AnyAuthMethod, AuthenticationType, KeyboardInteractiveCallback, Prompt } from '../connection/ssh2.ts';
import type { Credentials } from '../credentials/credentials.ts';

/**
 * The most attempts of a login; each offered key counts as an attempt. OpenSSH closes the connection at the sixth
 * failure (MaxAuthTries in sshd_config(5)) with a message that does not mention keys. With fewer attempts the login
 * ends here, with a message that lists them.
 */
const maxTries = 5;

/** The authentication method by which the server counts an attempt. */
type Method = 'publickey' | 'password' | 'keyboard-interactive';

interface Attempt {
  readonly label: string;
  readonly method: Method;
  readonly offer: AnyAuthMethod;
}

export interface Login {
  /** Returns the next attempt, as ssh2's authHandler; false if none is left. */
  readonly next: (left: AuthenticationType[] | null, partial: boolean | null) => AnyAuthMethod | false;
  /** Returns the labels of the attempts so far, for the message after a refusal. */
  readonly tried: () => readonly string[];
  /** Returns the number of keys that were left out to stay within the most attempts. */
  readonly withheld: () => { readonly keys: number; readonly ofAgent: number };
  /** Returns the methods that the client accepts; null if it has not named any. */
  readonly wanted: () => readonly string[] | null;
  /** True if a key was offered and nothing else was. */
  readonly byKey: () => boolean;
}

export interface LoginOptions {
  readonly username: string;
  readonly credentials: Credentials;
  /** Called with a sentence when the client asks for something other than the password. */
  readonly refuse: (why: string) => void;
  /** True if the first attempt was refused on another connection; default false. */
  readonly withoutFirst?: boolean;
}

/**
 * Plans the order of a login: keys, agent, password, keyboard-interactive with that password. Leaves out methods that
 * the client does not accept. Never sends a refused password again by another method: that can lock the account.
 */
export function planLogin({ username, credentials, refuse, withoutFirst = false }: LoginOptions): Login {
  const { password, keys, agent } = credentials;
  const attempts: Attempt[] = [];
  // A password may need two attempts: the method `password`, which a server may lack, and keyboard-interactive.
  const maxKeys = maxTries - (password === null ? 0 : 2);
  for (const key of keys.slice(0, maxKeys)) {
    if (key.usable === null) continue;
    const offer: AnyAuthMethod = { type: 'publickey', username, key: key.usable };
    attempts.push({ label: `key ${key.fingerprint}`, method: 'publickey', offer });
  }
  if (agent) {
    agent.limit = maxKeys - attempts.length;
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
    tried: () => tried.flatMap((label) => (label === agentLabel && agent ? agent.offered.map(agentKey) : [label])),
    withheld: () => ({ keys: Math.max(0, keys.length - maxKeys), ofAgent: agent?.withheld ?? 0 }),
    wanted: () => wanted,
    byKey: () => last?.method === 'publickey' && !tried.some((label) => passwordLabels.includes(label)),
    next: (left, partial) => {
      wanted = left;
      // A partial success: methods that were refused before their turn may be tried again.
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
const agentKey = (print: string): string => `agent key ${print}`;
const passwordLabels: readonly string[] = ['password', 'keyboard-interactive'];

/** Words for a password in prompts of many languages, in lower case. */
const passwordWords = [
  ...['passw', 'passphrase', 'mot de passe', 'contrase', 'kennwort', 'senha', 'wachtwoord', 'hasło'],
  ...['парол', '密码', '密碼', 'パスワード'],
];

/** True if a prompt asks for the account's password, and not for a code or a new password. */
export function isPasswordPrompt(prompt: string): boolean {
  const words = prompt.toLowerCase();
  return (
    passwordWords.some((word) => words.includes(word)) &&
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

interface LoginRefusal {
  readonly username: string;
  readonly login: Login;
  /** The reason why something that is configured could not be offered; null if everything could. */
  readonly problem: string | null;
  /** The certificate files that could not be offered. */
  readonly certificates: readonly string[];
  /** The client's message when it closed the connection; null if all attempts were refused. */
  readonly reason: string | null;
}

/** Describes a refused login: the attempts, the keys that were left out, and the methods that the client accepts. */
export function describeRefusal({ username, login, problem, certificates, reason }: LoginRefusal): string {
  const tried = login.tried();
  const wanted = login.wanted();
  const { keys, ofAgent } = login.withheld();
  return [
    reason === null ? `${username} was refused` : `the client ended the login of ${username}: ${reason}`,
    tried.length > 0 ? `tried ${tried.join(', ')}` : 'nothing that is configured was asked for',
    ...(wanted === null ? [] : [`the client takes ${wanted.join(', ') || 'nothing'}`]),
    ...(keys === 0 ? [] : [`private keys not tried: ${keys}`]),
    ...(ofAgent === 0 ? [] : [`keys of ssh-agent not tried: ${ofAgent}; privateKey="FILE.pub" picks one`]),
    ...(problem === null ? [] : [problem]),
    ...certificates.map((file) => `the certificate ${file} needs transport="openssh"`),
  ].join('; ');
}
