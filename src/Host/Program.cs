using MeshDns.Host.Nodes;
using MeshDns.Host.Settings;

var env = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string)e.Value!);
var result = SettingsLoader.Load(null, [.. args.Skip(1).Where(a => a != "--set")], env);
foreach (var e in result.Errors) Console.Error.WriteLine(e);
if (result.Settings is null) return 1;
using var cts = new CancellationTokenSource();
using var s1 = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, c => { c.Cancel = true; cts.Cancel(); });
return await RunNode.RunAsync(result.Settings, cts.Token);
