// Package explain says what an authorization server would answer to a token request, and why: step by step, and for each
// assertion in it check by check.
//
//	explainer := &explain.Explainer{Server: server, Grants: config.Grants, ClientAuth: config.ClientAuth}
//	x, err := explainer.Request(ctx, form, nil, time.Now())
//	fmt.Println(x.Accepted, x.Error, x.Reason)
//
// The answer is the server's own ([avouch.Server.Decide]): nothing is computed here. Nothing is spent, counted or changed
// by asking, no secret is compared, and whether something was used before is not asked; Open says which of these the
// answer depends on. It tells an operator more than a caller may know, so never send it to one.
package explain
