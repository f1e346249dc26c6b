import { rememberSecret } from '../../platform/errors/revealed-secrets.ts';
import { percentDecoded } from '../../text/percent-decoded.ts';

/**
 * Removes name and password from a URL, and returns them as the header of HTTP Basic authentication (RFC 7617). Returns
 * no header for a URL without a login. Remembers the login as a secret.
 */
export function takeLogin(url: URL): { readonly authorization?: string } {
  const { username, password } = url;
  if (username === '' && password === '') return {};
  url.username = '';
  url.password = '';
  const login = `${percentDecoded(username)}:${percentDecoded(password)}`;
  // Whoever receives the header may repeat it.
  for (const secret of [password, percentDecoded(password), login]) rememberSecret(secret);
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}
