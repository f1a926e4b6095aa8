using MeshDns.Host.Cli;
using MeshDns.Host.Nodes;

var context = CliContext.OfProcess(RunNode.RunAsync, (settings, _) => VerifyStore.RunAsync(settings, Console.Out, Console.Error));
return await MeshDnsCommand.RunAsync(args, context, CancellationToken.None);
