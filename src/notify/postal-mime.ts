/** The one file that knows postal-mime, which reads mails. */
export { decodeWords, default as PostalMime } from 'postal-mime';
