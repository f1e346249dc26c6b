import type { AnyAuthMethod, AuthenticationType, KeyboardInteractiveCallback, Prompt } from '../connection/ssh2.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { rsaSignaturesFor, signingBy, type LoginKey, type RsaSignature } from '../credentials/private-key.ts';
import { wantedWords } from '../connection/server-words.ts';
import { isPasswordPrompt } from './password-prompt.ts';

/**
 * The most attempts of a login; each offered key counts as an attempt. OpenSSH closes the connection at the sixth
 * failure (MaxAuthTries in sshd_config(5)) with a message that does not mention keys. With fewer attempts the login
 * ends here, with a message that lists them.
 */
const maxTries = 5;

/** The authentication method by which the server counts an attempt. */
type Method = 'publickey' | 'password' | 'keyboard-interactive';

interface Attempt {
  readonly method: Method;
  /** The key that it offers; null if it offers another thing, or the keys of an agent. */
  readonly key?: LoginKey;
  /** Returns the offer and its label for messages; null if there is nothing to offer. */
  readonly make: () => { readonly label: string; readonly offer: AnyAuthMethod } | null;
}

export interface Login {
  /** Returns the next attempt, as ssh2's authHandler; false if none is left. */
  readonly next: (left: AuthenticationType[] | null, partial: boolean | null) => AnyAuthMethod | false;
  /** Notes the algorithms of signatures that the server names, in place of earlier ones. */
  readonly noteSignatures: (named: readonly string[]) => void;
  /** Returns the labels of the attempts so far, for the message after a refusal. */
  readonly tried: () => readonly string[];
  /** Returns the labels of the attempts that the server took as one of several proofs. */
  readonly taken: () => readonly string[];
  /** Returns the number of keys that were left out to stay within the most attempts. */
  readonly withheld: () => { readonly keys: number; readonly ofAgent: number };
  /** True if the server has refused something: an offer that the agent did not sign was never made. */
  readonly wasRefused: () => boolean;
  /** Returns the kinds of identities of the agent that cannot be offered. */
  readonly unusable: () => readonly string[];
  /** Returns the methods that the client accepts; null if it has not named any. */
  readonly wanted: () => readonly string[] | null;
  /** True if a key was offered and nothing else was. */
  readonly byKey: () => boolean;
  /** True if an RSA key was offered to a server that names no algorithm for its signatures. */
  readonly lacksRsaSignatures: () => boolean;
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
  const { password, agent } = credentials;
  // A password may need two attempts: the method `password`, which a server may lack, and keyboard-interactive.
  const maxKeys = maxTries - (password === null ? 0 : 2);
  const tried: string[] = [];
  const keyTries = (): number =>
    tried.filter((label) => label.startsWith('key ')).length + (tried.includes(agentLabel) ? offersOf(agent) : 0);
  const keys = keyAttempts({ username, credentials, maxKeys, keyTries });
  const taken: string[] = [];
  const attempts =
    password === null
      ? [...keys.attempts, promptlessAttempt(username, () => taken.length > 0, refuse)]
      : [...keys.attempts, ...passwordAttempts(username, password, refuse)];
  let open: readonly Attempt[] = attempts;
  let last: Method | null = null;
  let lastKey: LoginKey | null = null;
  let wanted: readonly string[] | null = null;
  const take = (isOpen: (method: Method) => boolean): AnyAuthMethod | false => {
    for (const attempt of open.filter(({ method }) => isOpen(method))) {
      open = open.filter((other) => other !== attempt);
      const made = attempt.make();
      if (made === null) continue;
      last = attempt.method;
      lastKey = attempt.key ?? null;
      tried.push(made.label);
      return made.offer;
    }
    return false;
  };
  if (withoutFirst) {
    take(() => true);
    last = null;
  }
  return {
    noteSignatures: keys.noteSignatures,
    tried: () => tried.flatMap((label) => (label === agentLabel && agent ? agent.offered.map(agentKey) : [label])),
    taken: () => taken,
    withheld: () => ({ keys: Math.max(0, credentials.keys.length - maxKeys), ofAgent: agent?.withheld ?? 0 }),
    wasRefused: () => tried.some((label) => label !== agentLabel) || signedOffers(agent) > 0,
    unusable: () => agent?.unusable ?? [],
    wanted: () => wanted,
    byKey: () => last === 'publickey' && !tried.some((label) => passwordLabels.includes(label)),
    lacksRsaSignatures: keys.lacksSignatures,
    next: (left, partial) => {
      wanted = left;
      // A partial success: methods that were refused before their turn may be tried again.
      if (partial === true) {
        // sshd takes each key once: `AuthenticationMethods publickey,publickey` wants two.
        const spent = lastKey;
        open = attempts.filter((attempt) => (spent === null ? attempt.method !== last : attempt.key !== spent));
        keys.forget();
        const label = tried.at(-1);
        if (label !== undefined) taken.push(label);
      } else if (last === 'password' && left?.includes('password') === true) {
        open = open.filter((attempt) => attempt.method !== 'keyboard-interactive');
      }
      return take((method) => left === null || left.includes(method));
    },
  };
}

interface KeyAttemptsOptions extends Pick<LoginOptions, 'username' | 'credentials'> {
  readonly maxKeys: number;
  /** Returns the number of offered keys so far. */
  readonly keyTries: () => number;
}

/**
 * Plans the offers of keys, then of the agent. An RSA key that was refused is offered once more with its other
 * algorithm, after all others and as far as there are tries left: the server does not say why it refused the key.
 */
function keyAttempts({ username, credentials: { keys, agent }, maxKeys, keyTries }: KeyAttemptsOptions) {
  let named: readonly string[] | null = null;
  const method = 'publickey';
  const first: Attempt[] = [];
  const again: Attempt[] = [];
  /** The algorithms that each RSA key was offered with. */
  const used = new Map<LoginKey, readonly RsaSignature[]>();
  let hasOfferedRsa = false;
  for (const key of keys.slice(0, maxKeys)) {
    const { usable, fingerprint } = key;
    if (usable === null) continue;
    const plain = `key ${fingerprint}`;
    if ((usable.type as string) !== 'ssh-rsa') {
      first.push({ method, key, make: () => ({ label: plain, offer: { type: method, username, key: usable } }) });
      continue;
    }
    const make = (): ReturnType<Attempt['make']> => {
      const earlier = used.get(key) ?? [];
      const algorithm = rsaSignaturesFor(named ?? []).find((one) => !earlier.includes(one));
      if (algorithm === undefined) return null;
      used.set(key, [...earlier, algorithm]);
      hasOfferedRsa = true;
      const label = algorithm === 'rsa-sha2-256' ? plain : `${plain} with ${algorithm}`;
      return { label, offer: { type: method, username, key: signingBy(usable, algorithm) } };
    };
    first.push({ method, key, make });
    again.push({ method, key, make: () => (keyTries() < maxKeys ? make() : null) });
  }
  if (agent) {
    agent.limit = maxKeys - first.length;
    const offer: AnyAuthMethod = { type: 'agent', username, agent };
    if (agent.limit > 0) first.push({ method, make: () => ({ label: agentLabel, offer }) });
  }
  return {
    attempts: [...first, ...again],
    forget: () => used.clear(),
    noteSignatures: (signatures: readonly string[]) => {
      named = signatures;
      if (agent) agent.serverSignatures = signatures;
    },
    lacksSignatures: () =>
      (hasOfferedRsa || agent?.hasOfferedRsa === true) && named?.some((name) => name.startsWith('rsa-sha2-')) === false,
  };
}

/**
 * Returns the keyboard-interactive attempt of a login without a password, after another proof: PAM may let the account
 * in without a question (Duo's bypass, an account without a second factor). ssh2 answers a request without prompts.
 */
function promptlessAttempt(username: string, isHalfway: () => boolean, refuse: LoginOptions['refuse']): Attempt {
  const method = 'keyboard-interactive';
  const offer: AnyAuthMethod = { type: method, username, prompt: answerPassword(null, refuse) };
  return { method, make: () => (isHalfway() ? { label: method, offer } : null) };
}

function passwordAttempts(username: string, password: string, refuse: LoginOptions['refuse']): readonly Attempt[] {
  const prompt = answerPassword(password, refuse);
  return [
    { method: 'password', make: () => ({ label: 'password', offer: { type: 'password', username, password } }) },
    {
      method: 'keyboard-interactive',
      make: () => ({ label: 'keyboard-interactive', offer: { type: 'keyboard-interactive', username, prompt } }),
    },
  ];
}

function signedOffers(agent: Credentials['agent']): number {
  return agent?.offered.filter((print) => !agent.hasNotSigned(print)).length ?? 0;
}

function offersOf(agent: Credentials['agent']): number {
  return agent?.offered.length ?? 0;
}

const agentLabel = 'ssh-agent';
const agentKey = (print: string): string => `agent key ${print}`;
const passwordLabels: readonly string[] = ['password', 'keyboard-interactive'];

function answerPassword(password: string | null, refuse: (why: string) => void) {
  let answered = false;
  return (
    _name: string,
    _instructions: string,
    _language: string,
    prompts: Prompt[],
    finish: KeyboardInteractiveCallback,
  ): void => {
    const [first, second] = prompts;
    if (
      password !== null &&
      !answered &&
      first !== undefined &&
      second === undefined &&
      !first.echo &&
      isPasswordPrompt(first.prompt)
    ) {
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

const noRsaSignatures =
  'the server names no SHA-2 signatures for RSA keys, and SHA-1 (ssh-rsa) is not used: take an Ed25519 key';

/** Describes a refused login: the attempts, the keys that were left out, and the methods that the client accepts. */
export function describeRefusal({ username, login, problem, certificates, reason }: LoginRefusal): string {
  const tried = login.tried();
  const taken = login.taken();
  const wanted = login.wanted();
  const { keys, ofAgent } = login.withheld();
  return [
    reason === null ? `${username} was refused` : `the client ended the login of ${username}: ${reason}`,
    tried.length > 0 ? `tried ${tried.join(', ')}` : 'nothing that is configured was asked for',
    ...(wanted === null ? [] : [wantedWords(taken, wanted)]),
    ...(keys === 0 ? [] : [`private keys not tried: ${keys}`]),
    ...(ofAgent === 0 ? [] : [`keys of ssh-agent not tried: ${ofAgent}; privateKey="FILE.pub" picks one`]),
    ...(login.lacksRsaSignatures() ? [noRsaSignatures] : []),
    ...(problem === null ? [] : [problem]),
    ...login.unusable().map((kind) => `${kind} of ssh-agent need transport="openssh"`),
    ...certificates.map((file) => `the certificate ${file} needs transport="openssh"`),
  ].join('; ');
}
