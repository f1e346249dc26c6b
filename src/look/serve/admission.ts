/** src/look/serve: the server: sockets, who may look, pages, documents. */
import type { ServeConfig } from '../../config/config.ts';
import { tokenOf, type TokenPurpose } from './tokens.ts';
import { isOwnHost, type Visitor } from './visitor.ts';

/** The refusal of a request. */
interface RequestRefusal {
  readonly status: 401 | 403 | 421;
  readonly words: string;
  /** True if the request had a wrong token. */
  readonly isGuess: boolean;
}

interface AdmissionOptions {
  readonly serve: ServeConfig;
  readonly checkToken: (token: string) => TokenPurpose | null;
}

interface AskedBy {
  readonly visitor: Visitor;
  readonly host: string | undefined;
  readonly authorization: string | undefined;
}

const noToken = 'A token is needed: `fleet-health tokens add NAME` makes one. Browsers take it as the password.';

/** Checks the permission of a request. Returns null if the request is allowed. */
export type Admission = (request: AskedBy, what: TokenPurpose) => RequestRefusal | null;

export function createAdmission({ serve, checkToken }: AdmissionOptions): Admission {
  return ({ visitor, host, authorization }, what) => {
    if (visitor.isLocal && serve.auth !== 'always') {
      if (visitor.address === 'socket' || isOwnHost(host, serve.hosts)) return null;
      return { status: 421, words: `This server is not called ${host ?? 'that'}.`, isGuess: false };
    }
    if (visitor.user !== null) return null;
    if (!visitor.isPrivate) {
      return { status: 403, words: 'Nothing is shown without TLS beyond this machine.', isGuess: false };
    }
    const token = tokenOf(authorization);
    const purpose = token === null ? null : checkToken(token);
    if (purpose === null) return { status: 401, words: noToken, isGuess: token !== null };
    if (purpose === 'look' || purpose === what) return null;
    return { status: 403, words: `This token is for ${purpose} alone.`, isGuess: false };
  };
}
