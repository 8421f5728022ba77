// A .NET program that shares a file with Node.js and knows nothing of mmfile: a named memory-mapped file of
// segments, each an Int32 with its size in bytes and then that many bytes of UTF-16, and a named mutex
// that is held while one is added. It takes a command a line and answers with one.

using System;
using System.IO.MemoryMappedFiles;
using System.Text;
using System.Threading;

class Segments : IDisposable
{
    readonly MemoryMappedFile map;
    readonly MemoryMappedViewAccessor view;
    readonly Mutex mutex;
    public int Abandoned;

    public Segments(string data, string mutexName, long capacity)
    {
        map = capacity > 0
            ? MemoryMappedFile.CreateNew(data, capacity)
            : MemoryMappedFile.OpenExisting(data);
        view = map.CreateViewAccessor();
        mutex = capacity > 0 ? new Mutex(false, mutexName) : Mutex.OpenExisting(mutexName);
    }

    public void Enter()
    {
        try { mutex.WaitOne(); }
        catch (AbandonedMutexException) { Abandoned += 1; }
    }

    public void Leave() { mutex.ReleaseMutex(); }

    long Skip(int index)
    {
        long at = 0;
        for (int segment = 0; segment != index; segment += 1)
        {
            int size = view.ReadInt32(at);
            if (size == 0 || size == -1) return -1 - at;
            at += 4 + (size & 0x7fffffff);
        }
        return at;
    }

    public int Append(string text)
    {
        Enter();
        try { return Put(text); }
        finally { Leave(); }
    }

    /// Enters, and writes a size without its bytes.
    public void Begin(string text)
    {
        Enter();
        long at = 0;
        for (int size; (size = view.ReadInt32(at)) != 0; ) at += 4 + (size & 0x7fffffff);
        view.Write(at, Encoding.Unicode.GetByteCount(text));
    }

    int Put(string text)
    {
        long at = 0;
        int index = 0;
        for (int size; (size = view.ReadInt32(at)) != 0; index += 1) at += 4 + (size & 0x7fffffff);
        byte[] bytes = Encoding.Unicode.GetBytes(text);
        view.Write(at, bytes.Length);
        view.WriteArray(at + 4, bytes, 0, bytes.Length);
        return index;
    }

    public string Read(int index)
    {
        long at = Skip(index);
        int size = at < 0 ? 0 : view.ReadInt32(at);
        if (size <= 0) return null;
        byte[] bytes = new byte[size];
        view.ReadArray(at + 4, bytes, 0, size);
        return Encoding.Unicode.GetString(bytes);
    }

    public void Dispose() { view.Dispose(); map.Dispose(); mutex.Dispose(); }
}

static class Program
{
    static void Say(string text) { Console.Out.WriteLine(text); Console.Out.Flush(); }

    static int Main()
    {
        Segments file = null;
        Say("ready");
        for (string line; (line = Console.In.ReadLine()) != null; )
        {
            try { file = Obey(file, line.Split(' ')); }
            catch (Exception error) { Say("error " + error.GetType().Name + " " + error.Message); }
        }
        if (file != null) file.Dispose();
        return 0;
    }

    static Segments Obey(Segments file, string[] order)
    {
        switch (order[0])
        {
            case "create":
                file = new Segments(order[1], order[2], long.Parse(order[3]));
                Say("created");
                break;
            case "open":
                file = new Segments(order[1], order[2], 0);
                Say("opened");
                break;
            case "append": Say("at " + file.Append(order[1])); break;
            case "many":
                for (int number = 0; number < int.Parse(order[2]); number += 1)
                    Say("did " + number + " " + file.Append(order[1] + "-" + number));
                Say("done");
                break;
            case "begin": file.Begin(order[1]); Say("begun"); break;
            case "hold": file.Enter(); Say("held"); break;
            // A console has an encoding of its own.
            case "read":
                byte[] text = Encoding.Unicode.GetBytes(file.Read(int.Parse(order[1])));
                Say("text " + Convert.ToBase64String(text));
                break;
            case "abandoned": Say("abandoned " + file.Abandoned); break;
            default: Say("error unknown"); break;
        }
        return file;
    }
}
