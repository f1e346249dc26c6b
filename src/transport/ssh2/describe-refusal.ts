import type { Login } from './login.ts';

export interface Refusal {
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
