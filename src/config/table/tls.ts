import * as parsers from '../parsers.ts';
import { optional } from '../setting.ts';

export const tlsSettings = {
  tlsCert: optional({
    flag: '--tls-cert',
    env: 'AEGIS_TLS_CERT',
    group: 'TLS',
    placeholder: 'file',
    description: 'PEM file of the server certificate and its chain, with --tls-key; read again when it changes',
    parser: parsers.path,
  }),
  tlsKey: optional({
    flag: '--tls-key',
    env: 'AEGIS_TLS_KEY',
    group: 'TLS',
    placeholder: 'file',
    description: 'PEM file of the key of the server certificate; read again when it changes',
    parser: parsers.path,
  }),
  tlsClientCa: optional({
    flag: '--tls-client-ca',
    env: 'AEGIS_TLS_CLIENT_CA',
    group: 'TLS',
    placeholder: 'file',
    description: 'PEM file of the authorities whose client certificates are asked for (mutual TLS)',
    parser: parsers.path,
  }),
} as const;
