"""
A state on a server with Terraform's HTTP backend protocol, such as GitLab. httpx lives here.

The protocol keeps one document per address: GET reads it, POST replaces it, LOCK and UNLOCK (or what the environment
names) guard it. So the state's document and all its journals travel together, in one bundle. Read `store.py` first:

    store       what the backend sees: every change is read, check, write under the server's lock
    server_lock the server's lock: taken for a run, or for one change; who holds it, in the protocol's words
    server      the four requests, repeated where that may help; what an answer means, and what to do
    bundle      the document and the journals as one JSON text
    endpoints   addresses and methods, from the URL and the environment; who we are there, and where that may be said
    connection  httpx: one request, one answer or none

Sources: the documentation of Terraform's `http` backend, and its code (`internal/backend/remote-state/http/` of
hashicorp/terraform: `backend.go`, `client.go`); for GitLab `lib/api/terraform/state.rb`,
`app/services/terraform/remote_state_handler.rb`, `app/models/terraform/state.rb` and
`spec/requests/api/terraform/state_spec.rb` of gitlabhq/gitlabhq. What GitLab does otherwise:

- It wants JSON with a number `serial` at the top, keeps every version under it, takes none twice (422), and shows the
  highest as the state.
- A state that was locked and never written is 204, not 404.
- It refuses a write under a wrong lock with 500, since the error of its handler is not caught.
- It refuses a lock with 409 and the holder's ID, user and time, but with `Info`, `Operation`, `Version` and `Path` of
  the request that it refuses, not of the holder.
"""
