/** The only file that imports nodemailer: its SMTP conversation and its MIME writer. */
export { default as MailComposer } from 'nodemailer/lib/mail-composer';
export { encodeWord } from 'nodemailer/lib/mime-funcs';
export { default as SMTPConnection } from 'nodemailer/lib/smtp-connection';
