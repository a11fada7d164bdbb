/** The operator's settings for the login at one server; all are optional. */
export interface LoginSettings {
  /** A client registered beforehand. */
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** The address at which this client describes itself (client id metadata document). */
  readonly clientMetadataUrl?: string | undefined;
  /** Asked for instead of what the server names. */
  readonly scopes?: readonly string[] | undefined;
  /** A loopback address: where the browser brings the answer. */
  readonly redirectUri?: string | undefined;
  /** The only authorization server that may be used. */
  readonly issuer?: string | undefined;
  readonly grant: 'authorization-code' | 'client-credentials';
  /** PEM; signs what proves who the client is (`private_key_jwt`). */
  readonly privateKey?: string | undefined;
  readonly allowPrivateAddresses: boolean;
}

/** Whose login at which server. */
export interface LoginPlace {
  /** The config key. */
  readonly server: string;
  readonly url: URL;
  /** The name of a client of `http.tokens`; empty for the user of this machine. */
  readonly who: string;
  readonly settings: LoginSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
}
