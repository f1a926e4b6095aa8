using MeshDns.Host.Cli;
using MeshDns.Host.Nodes;

var context = CliContext.OfProcess(RunNode.RunAsync, (settings, print, cancel) => VerifyStore.RunAsync(settings, print, Console.Out, Console.Error, cancel));
return await MeshDnsCommand.RunAsync(args, context, CancellationToken.None);
