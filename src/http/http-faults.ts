/** Why an endpoint could not be opened; `field` is the configuration field to look at. */
export type HttpFault =
  | { readonly code: "port-in-use"; readonly field: string; readonly host: string; readonly port: number }
  | { readonly code: "port-forbidden"; readonly field: string; readonly host: string; readonly port: number }
  | { readonly code: "host-unusable"; readonly field: string; readonly host: string }
  | { readonly code: "listen-failed"; readonly field: string; readonly host: string; readonly port: number }
  | { readonly code: "certificate-missing"; readonly field: string };

export class HttpError extends Error {
  readonly fault: HttpFault;

  constructor(fault: HttpFault, options?: ErrorOptions) {
    super(`${fault.field}: ${describe(fault)}`, options);
    this.name = "HttpError";
    this.fault = fault;
  }
}

function describe(fault: HttpFault): string {
  switch (fault.code) {
    case "port-in-use":
      return `port ${fault.port} of ${fault.host} is in use by another program`;
    case "port-forbidden":
      return `not permitted to listen at port ${fault.port} of ${fault.host}`;
    case "host-unusable":
      return `${fault.host} is not a name or address of this machine`;
    case "listen-failed":
      return `cannot listen at port ${fault.port} of ${fault.host}`;
    case "certificate-missing":
      return "needs tlsCertificate";
  }
}
