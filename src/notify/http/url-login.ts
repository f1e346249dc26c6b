import { percentDecoded } from '../../text/percent-decoded.ts';

/**
 * Removes name and password from a URL, and returns them as the header of HTTP Basic authentication (RFC 7617). Returns
 * no header for a URL without a login.
 */
export function takeLogin(url: URL): { readonly authorization?: string } {
  const { username, password } = url;
  if (username === '' && password === '') return {};
  url.username = '';
  url.password = '';
  const login = Buffer.from(`${percentDecoded(username)}:${percentDecoded(password)}`).toString('base64');
  return { authorization: `Basic ${login}` };
}
