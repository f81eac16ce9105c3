//! REST API, Meta's callback, OpenAPI, access declared at registration.
