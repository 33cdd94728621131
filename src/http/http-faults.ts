import { CodedError, type Sentences } from "../base/coded-error.js";

/** Why an endpoint could not be opened; `field` is the configuration field to look at. */
export type HttpFault =
  | { readonly code: "port-in-use"; readonly field: string; readonly host: string; readonly port: number }
  | { readonly code: "port-forbidden"; readonly field: string; readonly host: string; readonly port: number }
  | { readonly code: "host-unusable"; readonly field: string; readonly host: string }
  | { readonly code: "listen-failed"; readonly field: string; readonly host: string; readonly port: number }
  | { readonly code: "certificate-missing"; readonly field: string };

const sentences: Sentences<HttpFault> = {
  "port-in-use": ({ field, host, port }) => `${field}: port ${port} of ${host} is in use by another program`,
  "port-forbidden": ({ field, host, port }) => `${field}: not permitted to listen at port ${port} of ${host}`,
  "host-unusable": ({ field, host }) => `${field}: ${host} is not a name or address of this machine`,
  "listen-failed": ({ field, host, port }) => `${field}: cannot listen at port ${port} of ${host}`,
  "certificate-missing": ({ field }) => `${field}: needs tlsCertificate`,
};

export class HttpError extends CodedError<HttpFault> {
  override readonly name = "HttpError";

  constructor(fault: HttpFault, options?: ErrorOptions) {
    super(sentences, fault, options);
  }
}
