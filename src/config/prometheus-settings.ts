import { AegisError } from '../errors.ts';
import { checkSecretFile, checkTlsFiles, readHeadersFile } from './files.ts';
import { text, token as tokenText } from './parsers.ts';
import type { PrometheusSettings } from './settings.ts';
import type { Sources } from './sources.ts';
import { nearer } from './sources.ts';
import { table } from './table.ts';
import { splitUserinfo } from './url.ts';

type Credentials = Pick<
  PrometheusSettings,
  'username' | 'password' | 'passwordFile' | 'bearerToken' | 'bearerTokenFile'
>;

/** Everything about the Prometheus server, its files checked. Throws `invalid_setting`. */
export function readPrometheusSettings(sources: Sources): PrometheusSettings {
  const told = sources.one(table.prometheusUrl);
  if (told === undefined)
    throw new AegisError(
      'invalid_setting',
      `--prometheus-url: missing, and required with --adapter prometheus: ${table.prometheusUrl.parser.allowed}`,
    );
  const { url, username, password } = splitUserinfo(told.value);
  const headers = readHeaders(sources);
  const credentials = readCredentials(sources, { username, password });
  const authorization = Object.keys(headers).find((name) => name.toLowerCase() === 'authorization');
  if (authorization !== undefined && Object.values(credentials).some((value) => value !== undefined))
    throw new AegisError(
      'invalid_setting',
      `--prometheus-header: ${authorization} is not allowed together with a user name or a bearer token`,
    );
  const ca = sources.one(table.prometheusCaFile);
  const cert = sources.one(table.prometheusCertFile);
  const key = sources.one(table.prometheusKeyFile);
  checkTlsFiles(ca, cert, key);
  return {
    url,
    timeoutMs: sources.value(table.prometheusTimeoutMs),
    concurrency: sources.value(table.prometheusConcurrency),
    attempts: sources.value(table.prometheusAttempts),
    ...credentials,
    headers,
    caFile: ca?.value,
    certFile: cert?.value,
    keyFile: key?.value,
  };
}

function readCredentials(sources: Sources, ofUrl: Pick<Credentials, 'username' | 'password'>): Credentials {
  const [password, passwordFile] = nearer(
    sources.one(table.prometheusPassword),
    sources.one(table.prometheusPasswordFile),
  );
  const [token, tokenFile] = nearer(
    sources.one(table.prometheusBearerToken),
    sources.one(table.prometheusBearerTokenFile),
  );
  const username = sources.one(table.prometheusUsername);
  if (passwordFile !== undefined) checkSecretFile(passwordFile, text);
  if (tokenFile !== undefined) checkSecretFile(tokenFile, tokenText);

  const bearer = token ?? tokenFile;
  const basic = username ?? password ?? passwordFile;
  if (bearer !== undefined && (basic !== undefined || ofUrl.username !== undefined))
    throw new AegisError(
      'invalid_setting',
      `${bearer.name}: not allowed together with ${basic?.name ?? 'a user in --prometheus-url'}: a request carries one of them`,
    );
  const name = username?.value ?? ofUrl.username;
  const secret = password ?? passwordFile;
  if (secret !== undefined && name === undefined)
    throw new AegisError('invalid_setting', `${secret.name}: needs a user name: ${table.prometheusUsername.flag}`);
  // What stands in the URL belongs together: its password is not that of a user named elsewhere.
  const ownPassword = username === undefined && secret === undefined ? ofUrl.password : undefined;
  return {
    username: name,
    password: password?.value ?? ownPassword,
    passwordFile: passwordFile?.value,
    bearerToken: token?.value,
    bearerTokenFile: tokenFile?.value,
  };
}

/** Headers by name; told apart without regard to case, the later and the singly given one stays. */
function readHeaders(sources: Sources): Readonly<Record<string, string>> {
  const file = sources.one(table.prometheusHeadersFile);
  const all = [...(file === undefined ? [] : readHeadersFile(file)), ...sources.all(table.prometheusHeaders)];
  const byName = new Map(all.map((header) => [header.name.toLowerCase(), header]));
  return Object.fromEntries([...byName.values()].map(({ name, value }) => [name, value]));
}
