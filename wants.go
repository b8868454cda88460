package avouch

import "net/url"

// Wants returns the scopes and the resources that the request asks for, held against what a client may have: for
// endpoints at which a user is asked before there is a grant. Scopes are the client's default where the request names
// none; resources are nil where it names none (RFC 8707 §2). What was consented to is held against the client again when
// a token is issued. An error is an [*Error], invalid_scope or invalid_target, and fit to be passed on.
func (r *Request) Wants(client *Client) (scopes, resources []string, err error) {
	none := &Authorization{} // sets no ceiling of its own
	if scopes, err = grantScopes(r.Param("scope"), none, client); err != nil {
		return nil, nil, err
	}
	if asked := r.Params("resource"); len(asked) > 0 {
		if resources, err = r.server.grantAudience(asked, none, client); err != nil {
			return nil, nil, err
		}
	}
	return scopes, resources, nil
}

// Form returns a copy of the form, for whoever must keep it. It may hold credentials.
func (r *Request) Form() url.Values {
	v := make(url.Values, len(r.form))
	for i := range r.form {
		v.Add(r.form[i].name, r.form[i].value)
	}
	return v
}
